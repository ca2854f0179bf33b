"""The incidents' component, and every option and result of its hook, in a browser on Tidings."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.async_api import expect
from tidings.runtime.settings import Settings

from tests.acceptance.frontends import INCIDENTS as PATH
from tests.acceptance.frontends import open_front_end
from tests.builders import make_announcement
from tests.driver import WAIT_SECONDS, Tidings
from tests.products.incidents import (
    document,
    expect_state,
    incident_event,
    open_component,
    open_probe,
    printed_frames,
    printed_stats,
    sign_in,
)
from tests.products.socket_log import advance_until
from tests.web.visitor import Visitor
from tests.web_processes import run_web

BASE = "/api/v1/notifications"
ALONE = {"share": "off", "transports": ["socket"]}
"""Options with which a page opens a socket of its own, and so one for each attempt."""


async def test_the_documents_component_is_notified_in_every_tab(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    tidings.dialect = "incidents"
    await sign_in(visitor)
    pages = [await open_component(visitor, tmp_path / name) for name in ("first", "second")]
    for page in pages:
        await expect_state(page, "connected")
        await expect(page.locator("#root span")).to_contain_text("Connected")
    await tidings.emit(incident_event(), make_announcement("alice", title="Drill"))
    for page in pages:
        await page.wait_for_function("window.unread.at(-1) === 2")
        assert sorted(await page.evaluate("window.toasts")) == ["Drill", "New Incident Created"]

    first, second = (each["id"] for each in await tidings.list_all("alice"))
    headers = tidings.headers("alice")
    await tidings.http.post(
        f"{BASE}/mark-read", json={"notification_ids": [first]}, headers=headers
    )
    for page in pages:
        await page.wait_for_function("window.unread.at(-1) === 1")
    await tidings.http.post(f"{BASE}/{second}/archive", headers=headers)
    for page in pages:
        await page.wait_for_function("window.unread.at(-1) === 0")
        assert len(await page.evaluate("window.toasts")) == 2


async def test_the_documents_component_survives_a_restart_of_the_server(
    visitor: Visitor, tidings: Tidings, tmp_path: Path, chosen: Settings
) -> None:
    visitor.expected_errors = ("WebSocket", "ERR_CONNECTION", "Failed to load")
    async with run_web(chosen) as edge:
        port = edge.url.rpartition(":")[2]
        await sign_in(visitor)
        page = await open_component(visitor, tmp_path, url=edge.url)
        await expect_state(page, "connected")
    await tidings.emit(incident_event())
    async with run_web(chosen, port=port):
        await expect_state(page, "connected", timeout=60_000)
        await page.wait_for_function("window.unread.at(-1) === 1")
        assert await page.evaluate("window.toasts") == ["New Incident Created"]
        await page.close()


async def test_the_hook_calls_every_callback_of_the_options_table_until_the_token_has_expired(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    rows = document().table("Option")
    callbacks = [row["Option"] for row in rows if row["Option"].startswith("on")]
    await sign_in(visitor, seconds=8)
    page = await open_probe(visitor, tmp_path, callbacks, **ALONE)
    await expect(page.locator("b")).to_have_text("connected")
    await tidings.emit(incident_event())
    await page.wait_for_function("window.calls.some(([name]) => name === 'onNotification')")
    visitor.expected_errors = ("WebSocket", "401", "4002")
    await page.wait_for_function(
        "window.calls.some(([name]) => name === 'onError')", timeout=30_000
    )
    calls: list[tuple[str, Any]] = await page.evaluate("window.calls")
    by_name = dict(calls)

    assert by_name.keys() == {*callbacks}
    assert by_name["onNotification"].keys() == printed_frames()[0]["data"].keys()
    assert by_name["onStatsUpdate"].keys() >= printed_stats()
    await expect(page.locator("b")).to_have_text("error")
    attempts = len(await page.evaluate("window.attempts"))
    await asyncio.sleep(3)
    assert len(await page.evaluate("window.attempts")) == attempts <= 4


async def test_the_hook_returns_every_value_of_the_table(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    rows = {row["Value"]: row for row in document().table("Value")}
    await sign_in(visitor)
    page = await open_probe(visitor, tmp_path, [])
    await expect(page.locator("b")).to_have_text("connected")
    await tidings.emit(incident_event())
    await page.wait_for_function("window.shown.lastMessage?.event === 'stats:updated'")
    types = await page.evaluate(
        "Object.fromEntries(Object.entries(shown).map(([name, it]) => [name, typeof it]))"
    )
    connected = await page.evaluate("shown.isConnected")
    await page.evaluate("shown.disconnect()")
    await expect(page.locator("b")).to_have_text("disconnected")
    disconnected = await page.evaluate("shown.isConnected")
    await page.evaluate("shown.connect()")
    await expect(page.locator("b")).to_have_text("connected")
    states = await page.evaluate("states")

    for name, row in rows.items():
        type_name = "function" if "=>" in row["Type"] else row["Type"]
        assert types[name] == type_name
    assert (connected, disconnected) == (True, False)
    assert all(f'"{state}"' in rows["connectionState"]["Description"] for state in states)
    assert states[-3:] == ["disconnected", "connecting", "connected"]


async def test_the_hook_reconnects_by_the_defaults_of_the_options_table(
    visitor: Visitor, tidings: Tidings, tmp_path: Path, chosen: Settings
) -> None:
    visitor.expected_errors = ("WebSocket", "ERR_CONNECTION")
    defaults = {row["Option"]: row["Default"] for row in document().table("Option")}
    await sign_in(visitor)
    async with run_web(chosen) as edge:
        page = await open_probe(visitor, tmp_path, [], url=edge.url, frozen_clock=True, **ALONE)
        await expect(page.locator("b")).to_have_text("connected")
        edge.kill()
        await advance_until(page, "window.states.at(-1) === 'error'")
    times: list[int] = await page.evaluate("window.attempts")
    pauses = [later - earlier for earlier, later in pairwise(times[1:])]

    assert defaults["autoReconnect"] == "true"
    assert len(times) == 1 + int(defaults["maxReconnectAttempts"])
    interval = int(defaults["reconnectInterval"])
    assert all(interval - 100 <= pause <= interval + 2000 for pause in pauses)
    await page.close()


async def test_the_hook_stays_away_when_it_must_not_reconnect(
    visitor: Visitor, tidings: Tidings, tmp_path: Path, chosen: Settings
) -> None:
    visitor.expected_errors = ("WebSocket", "ERR_CONNECTION")
    await sign_in(visitor)
    async with run_web(chosen) as edge:
        page = await open_probe(visitor, tmp_path, [], url=edge.url, autoReconnect=False, **ALONE)
        await expect(page.locator("b")).to_have_text("connected")
        edge.kill()
        await expect(page.locator("b")).to_have_text("error")
    assert len(await page.evaluate("window.attempts")) == 1
    await page.close()


async def test_the_documents_component_waits_for_its_turn_when_five_tabs_are_open(
    visitor: Visitor, tidings: Tidings, tmp_path: Path, chosen: Settings
) -> None:
    visitor.expected_errors = ("WebSocket", "429", "Failed to load")
    tabs = [open_front_end(tidings, PATH) for _ in range(chosen.connections_per_user)]
    pages = [await tab.__aenter__() for tab in tabs]
    for page in pages:
        await page.next("stats:updated")
    await sign_in(visitor)
    component = await open_component(visitor, tmp_path)
    await asyncio.sleep(2)
    await expect(component.locator("#root div")).to_contain_text("Status: ")
    await expect(component.locator("#root span")).to_have_count(0)
    await pages[0].socket.close()
    await expect_state(component, "connected", timeout=4000 * WAIT_SECONDS)

    await component.close()
    for tab in tabs:
        await tab.__aexit__(None, None, None)


async def test_an_announcement_reaches_the_documents_component_once(
    visitor: Visitor, tidings: Tidings, tmp_path: Path
) -> None:
    await tidings.emit(make_announcement("alice", title="Before"))
    await tidings.wait_for_counts("alice", total=1)
    await sign_in(visitor)
    page = await open_component(visitor, tmp_path)
    await page.wait_for_function("window.unread.at(-1) === 1")
    await tidings.emit(make_announcement("alice", title="Closed on Monday"))
    await page.wait_for_function("window.unread.at(-1) === 2")

    assert await page.evaluate("window.toasts") == ["Closed on Monday"]
