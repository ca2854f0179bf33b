"""An announcement to very many: written once for each of them, or once for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import NamedTuple

import httpx
from tidings.contracts.codec import encode
from tidings.contracts.subjects import EVENTS, LOGS, NOTIFICATIONS, Person, events_of
from tidings.runtime.append import BATCH_LIMIT_MESSAGES, Draft
from tidings.runtime.follow import state
from tidings.runtime.read import last

from tests.benchmarks.measure import Row
from tests.benchmarks.system import System, drafted, person, system

PEOPLE = 100_000
NEVER = 1_000_000_000
LIMIT = 1000
READERS = 300
WAIT_SECONDS = 240.0
POLL_SECONDS = 0.005


class Told(NamedTuple):
    """What it took to tell everybody: seconds until all was appended and until the rows were there, messages and bytes stored."""

    appended_seconds: float
    rows_seconds: float
    messages: int
    stored_bytes: int


class Cost(NamedTuple):
    """The first announcement and one after it, and milliseconds for somebody who comes back after them: by the rows."""

    first: Told
    later: Told
    returning_milliseconds: float


async def topics() -> AsyncIterator[Row]:
    """Both ways at a hundred thousand people."""
    alone, shared = await cost(NEVER), await cost(LIMIT)
    for name, told in (
        ("one message each", alone.later),
        ("a topic, the first time", shared.first),
        ("a topic, from then on", shared.later),
    ):
        yield Row(
            figure=f"to {PEOPLE:,} people, {name}: until all is appended",
            measured=told.appended_seconds * 1000,
            unit="ms",
        )
        yield Row(figure="… until the rows are there", measured=told.rows_seconds * 1000, unit="ms")
        yield Row(figure="… messages", measured=told.messages, unit="")
        yield Row(figure="… stored", measured=told.stored_bytes / 2**20, unit="MiB")
    yield Row(
        figure="somebody returns who missed two, told alone",
        measured=alone.returning_milliseconds,
        unit="ms",
    )
    yield Row(figure="… by a topic", measured=shared.returning_milliseconds, unit="ms")


async def cost(limit: int) -> Cost:
    """Everybody joins, then two announcements are made to all."""
    async with _everybody(limit) as running:
        before = (await state(running.runtime.jetstream, NOTIFICATIONS)).last
        first, later = await _announced(running, 1), await _announced(running, 2)
        await running.start("edge", ring_bytes=1)
        return Cost(first, later, await _returning(running, before))


@asynccontextmanager
async def _everybody(limit: int) -> AsyncGenerator[System]:
    """A tenant of so many people; all of that is routed."""
    async with system("projector") as running:
        appender = running.runtime.appender()
        for number in range(0, PEOPLE, BATCH_LIMIT_MESSAGES):
            await appender.append_batch(
                [_joined(each) for each in range(number, number + BATCH_LIMIT_MESSAGES)]
            )
        await running.start("notifier", topic_recipients=limit)
        await appender.append(_announcement(0, {"users": ["nobody"]}))
        await _until(running, 0)
        yield running


async def _announced(running: System, number: int) -> Told:
    before = await _stored(running)
    started = time.monotonic()
    await running.runtime.appender().append(_announcement(number, {"everyone": True, "users": []}))
    await _until(running, before[2])
    appended = time.monotonic() - started
    await running.projected(await _head(running))
    rows = time.monotonic() - started
    after = await _stored(running)
    return Told(appended, rows, after[0] - before[0], after[1] - before[1])


async def _until(running: System, after: int) -> None:
    """Wait until the newest event's last output is there, which says that all of it is told."""
    jetstream = running.runtime.jetstream
    newest = await last(jetstream, EVENTS, events_of(NUMBER))
    assert newest
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = await last(jetstream, NOTIFICATIONS, ">")
            if (
                found
                and found.sequence > after
                and _reaches(found.headers.get("Tidings-Position", ""), found.data, newest.sequence)
            ):
                return
            await asyncio.sleep(POLL_SECONDS)


async def _head(running: System) -> int:
    newest = [await last(running.runtime.jetstream, NOTIFICATIONS, subject) for subject in LOGS]
    return max(found.sequence for found in newest if found)


def _reaches(header: str, body: bytes, sequence: int) -> bool:
    """Whether a message says that an event is all told: in a header of its own, or as the position behind a batch."""
    return header.endswith(f":{sequence}.0") or (
        b'"sequence":%d,' % sequence in body and b'"offset"' not in body
    )


async def _returning(running: System, after: int) -> float:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.ports['edge']}") as http:
        cursor, taken = f"{running.runtime.epochs[NOTIFICATIONS]}-{after}", list[float]()
        for number in range(READERS):
            headers = {"Authorization": f"Bearer {running.token(_member(number * 300))}"}
            started = time.monotonic()
            response = await http.get("/v1/log", params={"after": cursor}, headers=headers)
            taken.append((time.monotonic() - started) * 1000)
            assert len(response.json()["entries"]) == 2, response.text
        return median(taken)


async def _stored(running: System) -> tuple[int, int, int]:
    info = (await running.runtime.jetstream.call(f"STREAM.INFO.{NOTIFICATIONS}"))["state"]
    return info["messages"], info["bytes"], info["last_seq"]


def _member(number: int) -> Person:
    return person(number % PEOPLE, tenants=1)


def _joined(number: int) -> Draft:
    return drafted(
        encode(
            {**_event(f"joined-{number}", "user.joined"), "data": {"user_id": _member(number).user}}
        )
    )


def _announcement(number: int, to: dict[str, object]) -> Draft:
    said = {
        "title": "Harvest festival",
        "message": "Saturday at ten, in the school garden; bring a spade",
        "to": to,
    }
    return drafted(
        encode({**_event(f"announced-{number}", "announcement.published"), "data": said})
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
