"""Other people's clients of event streams read ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx_sse
import pytest

from tests.builders import make_announcement
from tests.driver import Tidings
from tests.npm_packages import run_node

SCRIPT = Path(__file__).with_name("stream_clients.mjs")
TYPES = ["hello", "snapshot", "live"]


@pytest.fixture
async def driver(tidings: Tidings) -> Tidings:
    """Return a driver of a tenant in which alice has a notification."""
    await tidings.emit(make_announcement("alice"))
    await tidings.wait_for_counts("alice", total=1)
    return tidings


async def test_fetch_event_source_reads_every_event_on_one_connection(driver: Tidings) -> None:
    printed = await run_node(
        SCRIPT, f"{driver.url}/v1/stream", driver.token("alice"), str(len(TYPES))
    )

    opened, *events = map(json.loads, printed.splitlines())
    assert opened == {"type": "opened"}
    assert [event["event"] for event in events] == TYPES
    assert [event["frame"]["type"] for event in events] == TYPES
    assert [event["id"] for event in events] == [event["frame"]["cursor"] for event in events]


async def test_httpx_sse_reads_every_event_as_json(driver: Tidings) -> None:
    events: list[Any] = []
    async with httpx_sse.aconnect_sse(
        driver.http, "GET", "/v1/stream", headers=driver.headers("alice")
    ) as source:
        async for event in source.aiter_sse():
            events.append((event.event, event.json()["type"], event.retry))
            if event.event == TYPES[-1]:
                break

    assert [event[:2] for event in events] == [(name, name) for name in TYPES]
    assert events[0][2] == 2000


async def test_a_volunteers_stream_is_read_by_both(driver: Tidings) -> None:
    url = f"{driver.url}/notifications/stream"

    printed = await run_node(SCRIPT, url, driver.token("alice"), "2")
    async with httpx_sse.aconnect_sse(
        driver.http, "GET", url, headers=driver.headers("alice")
    ) as source:
        first = await anext(aiter(source.aiter_sse()))

    assert [json.loads(line).get("event") for line in printed.splitlines()] == [
        None,
        "connected",
        "notification",
    ]
    assert (first.event, first.json()["user_id"]) == ("connected", "alice")
