"""A page with nothing but the browser's own EventSource and a ticket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from tidings.runtime.settings import Settings

from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.web.visitor import WAIT_MILLISECONDS
from tests.web_processes import WebProcess, run_web

LIFETIME_SECONDS = 2
# The lines that the edge's README gives to a page.
OPEN_STREAM = """async ([token, shown]) => {
    const answer = await fetch("/v1/tickets", {
        method: "POST", headers: { authorization: `Bearer ${token}` },
    });
    const { ticket } = await answer.json();
    const source = new EventSource(`/v1/stream?ticket=${encodeURIComponent(ticket)}`);
    source.addEventListener("entries", ({ data }) => shown.push(...JSON.parse(data).entries));
    Object.assign(window, { source, returns: 0, ended: 0, errors: [] });
    source.addEventListener("live", () => window.returns++);
    source.addEventListener("error", (event) => {
        if (event.data) window.errors.push(event.data);
        if (source.readyState === EventSource.CLOSED) window.ended++;
    });
    window.shown = shown;
}"""


@pytest.fixture(scope="module")
async def edge(url: str, chosen: Settings) -> AsyncIterator[WebProcess]:
    """Run an edge whose connections live for two seconds."""
    async with run_web(chosen, connection_lifetime_seconds=LIFETIME_SECONDS) as process:
        yield process


@pytest.fixture
async def driver(tidings: Tidings, edge: WebProcess) -> AsyncIterator[Tidings]:
    async with make_driver_at(tidings, edge.url) as own_driver:
        yield own_driver


async def read_state(page: Page, name: str) -> Any:
    return await page.evaluate(f"window.{name}")


async def test_a_stream_opened_by_a_ticket_returns_by_itself_and_misses_nothing(
    chromium: Browser, driver: Tidings
) -> None:
    page = await chromium.new_page(bypass_csp=True)
    await page.goto(f"{driver.url}/web/blank.html")
    await page.evaluate(OPEN_STREAM, [driver.token("alice"), []])
    for number in range(3):
        await page.wait_for_function(
            f"window.returns > {number}", timeout=WAIT_MILLISECONDS, polling=50
        )
        await driver.emit(make_announcement("alice", title=str(number)))

    await page.wait_for_function("shown.length === 3", timeout=WAIT_MILLISECONDS, polling=50)

    assert [entry["title"] for entry in await read_state(page, "shown")] == ["0", "1", "2"]
    assert await read_state(page, "returns") >= 3
    assert (await read_state(page, "errors"), await read_state(page, "ended")) == ([], 0)
    await page.close()


async def test_a_stream_whose_session_ended_does_not_return(
    chromium: Browser, driver: Tidings
) -> None:
    page = await chromium.new_page(bypass_csp=True)
    await page.goto(f"{driver.url}/web/blank.html")
    await page.evaluate(OPEN_STREAM, [driver.token("alice"), []])
    await page.wait_for_function("window.returns > 0", timeout=WAIT_MILLISECONDS, polling=50)

    await driver.emit(
        {
            "specversion": "1.0",
            "id": "1",
            "source": "/sessions",
            "type": "session.revoked",
            "data": {"user_id": "alice"},
        }
    )

    await page.wait_for_function("window.ended === 1", timeout=WAIT_MILLISECONDS, polling=50)
    await page.close()
