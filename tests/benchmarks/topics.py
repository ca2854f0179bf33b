"""Measure an announcement to very many users: one message each, or one topic for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import NamedTuple

import httpx
from tidings.contracts.codec import encode
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES, NewMessage
from tidings.contracts.subjects import EVENTS, LOGS, NOTIFICATIONS, Person, partition_events_subject
from tidings.runtime.log.read import last_message
from tidings.runtime.log.state import stream_state

from tests.benchmarks.measure import Row
from tests.benchmarks.system import System, make_draft, person, system

PEOPLE = 100_000
NEVER = 1_000_000_000
LIMIT = 1000
READERS = 300
WAIT_SECONDS = 240.0
POLL_SECONDS = 0.005


class TellingCost(NamedTuple):
    """The cost of one announcement to all users: seconds until appended and projected, messages,
    bytes.
    """

    appended_seconds: float
    rows_seconds: float
    messages: int
    stored_bytes: int


class Cost(NamedTuple):
    """The cost of two announcements, and milliseconds for a user who reconnects after them.

    The reconnection is served from the rows.
    """

    first: TellingCost
    later: TellingCost
    returning_milliseconds: float


async def topics() -> AsyncIterator[Row]:
    """Measure both ways of telling a hundred thousand users."""
    personal, by_topic = await cost(NEVER), await cost(LIMIT)
    for name, one_cost in (
        ("one message each", personal.later),
        ("a topic, the first time", by_topic.first),
        ("a topic, from then on", by_topic.later),
    ):
        yield Row(
            figure=f"to {PEOPLE:,} people, {name}: until all is appended",
            value=one_cost.appended_seconds * 1000,
            unit="ms",
        )
        yield Row(
            figure="… until the rows are there", value=one_cost.rows_seconds * 1000, unit="ms"
        )
        yield Row(figure="… messages", value=one_cost.messages, unit="")
        yield Row(figure="… stored", value=one_cost.stored_bytes / 2**20, unit="MiB")
    yield Row(
        figure="somebody returns who missed two, told alone",
        value=personal.returning_milliseconds,
        unit="ms",
    )
    yield Row(figure="… by a topic", value=by_topic.returning_milliseconds, unit="ms")


async def cost(limit: int) -> Cost:
    """Measure two announcements to a tenant that all users have joined."""
    async with _run_tenant(limit) as running:
        before = (await stream_state(running.runtime.jetstream, NOTIFICATIONS)).last_sequence
        first, later = await _announced(running, 1), await _announced(running, 2)
        await running.start("edge", ring_bytes=1)
        return Cost(first, later, await _returning(running, before))


@asynccontextmanager
async def _run_tenant(limit: int) -> AsyncGenerator[System]:
    """Run a tenant of `PEOPLE` users whose joins are routed."""
    async with system("projector") as running:
        appender = running.runtime.appender()
        for number in range(0, PEOPLE, BATCH_LIMIT_MESSAGES):
            await appender.append_batch(
                [_joined(member) for member in range(number, number + BATCH_LIMIT_MESSAGES)]
            )
        await running.start("notifier", topic_threshold_members=limit)
        await appender.append(_announcement(0, {"users": ["nobody"]}))
        await _until(running, 0)
        yield running


async def _announced(running: System, number: int) -> TellingCost:
    before = await _stored(running)
    started_at = time.monotonic()
    await running.runtime.appender().append(_announcement(number, {"everyone": True, "users": []}))
    await _until(running, before[2])
    appended = time.monotonic() - started_at
    await running.wait_until_projected(await _head(running))
    rows = time.monotonic() - started_at
    after = await _stored(running)
    return TellingCost(appended, rows, after[0] - before[0], after[1] - before[1])


async def _until(running: System, after: int) -> None:
    """Wait until the last output of the newest event is stored, which completes the event."""
    jetstream = running.runtime.jetstream
    newest = await last_message(jetstream, EVENTS, partition_events_subject(NUMBER))
    assert newest
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            message = await last_message(jetstream, NOTIFICATIONS, ">")
            if (
                message
                and message.sequence > after
                and _reaches(
                    message.headers.get("Tidings-Position", ""), message.data, newest.sequence
                )
            ):
                return
            await asyncio.sleep(POLL_SECONDS)


async def _head(running: System) -> int:
    newest = [
        await last_message(running.runtime.jetstream, NOTIFICATIONS, subject) for subject in LOGS
    ]
    return max(message.sequence for message in newest if message)


def _reaches(header: str, body: bytes, sequence: int) -> bool:
    """Return whether a message completes an event, by its header or as the position after it."""
    return header.endswith(f":{sequence}.0") or (
        b'"sequence":%d,' % sequence in body and b'"offset"' not in body
    )


async def _returning(running: System, after: int) -> float:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.ports['edge']}") as http:
        cursor, durations = f"{running.runtime.epochs[NOTIFICATIONS]}-{after}", list[float]()
        for number in range(READERS):
            headers = {"Authorization": f"Bearer {running.token(_member(number * 300))}"}
            started_at = time.monotonic()
            response = await http.get("/v1/log", params={"after": cursor}, headers=headers)
            durations.append((time.monotonic() - started_at) * 1000)
            assert len(response.json()["entries"]) == 2, response.text
        return median(durations)


async def _stored(running: System) -> tuple[int, int, int]:
    info = (await running.runtime.jetstream.call_api(f"STREAM.INFO.{NOTIFICATIONS}"))["state"]
    return info["messages"], info["bytes"], info["last_seq"]


def _member(number: int) -> Person:
    return person(number % PEOPLE, tenants=1)


def _joined(number: int) -> NewMessage:
    return make_draft(
        encode(
            {**_event(f"joined-{number}", "user.joined"), "data": {"user_id": _member(number).user}}
        )
    )


def _announcement(number: int, to: dict[str, object]) -> NewMessage:
    text = {
        "title": "Harvest festival",
        "message": "Saturday at ten, in the school garden; bring a spade",
        "to": to,
    }
    return make_draft(
        encode({**_event(f"announced-{number}", "announcement.published"), "data": text})
    )


def _event(identifier: str, type_: str) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": identifier,
        "source": "/bench",
        "type": type_,
        "tenant": _member(0).tenant,
    }


NUMBER = int(_joined(0).subject.split(".")[1])
"""The partition of the tenant's events."""
