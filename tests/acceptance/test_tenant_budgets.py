"""Budgets: what one tenant emits is bounded in events and bytes, and what one request holds too."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from httpx import Response
from tidings.contracts.cloudevents import BATCH_MEDIA_TYPE, LINES_MEDIA_TYPE
from tidings.contracts.messages import BATCH_LIMIT_BYTES, BATCH_LIMIT_MESSAGES
from tidings.runtime.settings import Settings

from tests.acceptance.problems import ONE, check_problem
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.web_processes import WebProcess, run_web

pytestmark = pytest.mark.usefixtures("calm")

EVENTS_QUOTA = 1_500
BYTES_QUOTA = 40_000_000
WINDOW_SECONDS = 150_000
LARGE_TEXT = "x" * 120_000


@pytest.fixture(scope="module")
async def process(chosen: Settings) -> AsyncIterator[WebProcess]:
    """Run a gateway with small budgets."""
    rates: dict[str, Any] = {
        "tenant_event_rate": f"{EVENTS_QUOTA}/{WINDOW_SECONDS}",
        "tenant_byte_rate": f"{BYTES_QUOTA}/{WINDOW_SECONDS}",
    }
    async with run_web(chosen, **rates) as web:
        yield web


@pytest.fixture
async def gateway(tidings: Tidings, process: WebProcess) -> AsyncIterator[Tidings]:
    """Return a driver of a new tenant at that gateway."""
    async with make_driver_at(tidings, process.url) as driver:
        yield driver


def announcement(**data: Any) -> bytes:
    event = make_announcement("alice")
    event["data"] = {**event["data"], **data}
    return json.dumps(event).encode()


async def post(gateway: Tidings, body: bytes | Any, media_type: str = ONE) -> Response:
    headers = {**gateway.headers("service", scope="emit"), "Content-Type": media_type}
    return await gateway.http.post("/v1/events", content=body, headers=headers, timeout=60)


async def chunks(lines: Iterable[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line + b"\n"


async def test_a_tenant_that_emits_too_many_events_is_told_when_to_come_back(
    gateway: Tidings,
) -> None:
    for count in (BATCH_LIMIT_MESSAGES, EVENTS_QUOTA - BATCH_LIMIT_MESSAGES):
        batch = b"[%b]" % b",".join(announcement() for _ in range(count))
        assert (await post(gateway, batch, BATCH_MEDIA_TYPE)).status_code == 200

    answer = await post(gateway, announcement())

    problem = check_problem(answer, 429)
    assert f"at most {EVENTS_QUOTA} tenant_events in {WINDOW_SECONDS} seconds" in problem["detail"]
    assert 1 <= int(answer.headers["retry-after"]) <= WINDOW_SECONDS / EVENTS_QUOTA + 1
    assert problem["retry_after_seconds"] == int(answer.headers["retry-after"])


async def test_lines_count_as_events_and_the_stored_ones_are_stated(gateway: Tidings) -> None:
    lines = chunks(announcement() for _ in range(2 * EVENTS_QUOTA))

    answer = await post(gateway, lines, LINES_MEDIA_TYPE)

    problem = check_problem(answer, 429)
    assert problem["stored"]["events"] == 2 * BATCH_LIMIT_MESSAGES
    check_problem(await post(gateway, announcement()), 429)


async def test_the_bytes_of_lines_count_and_one_request_takes_bounded_memory(
    gateway: Tidings, process: WebProcess
) -> None:
    large_lines = 2 + BYTES_QUOTA // len(LARGE_TEXT)
    before = process.resident_bytes

    lines = (announcement(message=LARGE_TEXT) for _ in range(large_lines))
    answer = await post(gateway, chunks(lines), LINES_MEDIA_TYPE)

    problem = check_problem(answer, 429)
    assert f"at most {BYTES_QUOTA} tenant_bytes" in problem["detail"]
    assert problem["stored"]["events"] * len(LARGE_TEXT) > BYTES_QUOTA - 2 * BATCH_LIMIT_BYTES
    assert process.peak_bytes - before < 10 * BATCH_LIMIT_BYTES
