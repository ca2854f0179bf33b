"""Figures of the outbox: how fast its relay carries what a service's Postgres has, beside atomic batches alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import psycopg
from tidings.client.outbox import Outbox
from tidings.contracts.draft import BATCH_LIMIT_MESSAGES
from tidings.contracts.events import AnnouncementPublished
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.subjects import EVENTS
from tidings.outbox.table import make
from tidings.runtime.append import commit
from tidings.runtime.follow import state

from tests.benchmarks.measure import CpuTime, Row
from tests.benchmarks.system import System, drafted, system, told

BACKLOG_EVENTS = 60_000
WRITERS = 8
WRITING_SECONDS = 8.0
POLL_SECONDS = 0.02
STAGE_SECONDS = 60.0
OUTBOX = Outbox(source="/bench", tenant="bench")


async def outbox() -> AsyncIterator[Row]:
    """A backlog that is there, then transactions of one event each while they are carried."""
    async with system() as running:
        await make(running.settings.postgres)
        floor = await _floor(running)
        await asyncio.to_thread(_backlog, running.settings.postgres)
        before = (await state(running.runtime.jetstream, EVENTS)).last
        async with running.service("outbox", outbox_dsn=running.settings.postgres) as pid:
            used, started = CpuTime(pid), time.monotonic()
            await _until(running, before + BACKLOG_EVENTS)
            rate, busy = (
                BACKLOG_EVENTS / (time.monotonic() - started),
                used.microseconds_each(BACKLOG_EVENTS),
            )
            yield Row(
                figure="outbox → log, a backlog in one Postgres (at least)",
                measured=rate,
                unit="events/s",
                limit=5000,
            )
            yield Row(figure="… the relay's processor an event", measured=busy, unit="µs")
            yield Row(
                figure="… atomic batches of 1000 alone, from memory",
                measured=floor,
                unit="events/s",
            )
            before = (await state(running.runtime.jetstream, EVENTS)).last
            written = await _write(running.settings.postgres)
            behind = before + written - (await state(running.runtime.jetstream, EVENTS)).last
            await _until(running, before + written)
            yield Row(
                figure=f"{WRITERS} services, an event a transaction, while the relay works",
                measured=written / WRITING_SECONDS,
                unit="events/s",
            )
            yield Row(figure="… still waiting when they stop", measured=behind, unit="events")


async def _floor(running: System) -> float:
    drafts = [drafted(told(number, 500)) for number in range(BACKLOG_EVENTS)]
    started = time.monotonic()
    for first in range(0, BACKLOG_EVENTS, BATCH_LIMIT_MESSAGES):
        await commit(running.runtime.jetstream, drafts[first : first + BATCH_LIMIT_MESSAGES])
    return BACKLOG_EVENTS / (time.monotonic() - started)


def _event(number: int) -> Sequence[str]:
    to = Addressees(users=(f"u{number % 500}",))
    return OUTBOX.emit(
        AnnouncementPublished(
            title="Task assigned", message="You have been assigned to task: Water", to=to
        )
    ).parameters


def _backlog(dsn: str) -> None:
    with (
        psycopg.connect(dsn) as connection,
        connection.cursor().copy("COPY tidings_outbox.waiting (event) FROM STDIN") as copy,
    ):
        for number in range(BACKLOG_EVENTS):
            copy.write_row(_event(number))


async def _write(dsn: str) -> int:
    """As many transactions as go, each of a service's own connection."""
    until = time.monotonic() + WRITING_SECONDS
    return sum(await asyncio.gather(*(_writer(dsn, until) for _ in range(WRITERS))))


async def _writer(dsn: str, until: float) -> int:
    count = 0
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while time.monotonic() < until:
            await connection.execute(
                "INSERT INTO tidings_outbox.waiting (event) VALUES (%s)", _event(count)
            )
            count += 1
    return count


async def _until(running: System, sequence: int) -> None:
    async with asyncio.timeout(STAGE_SECONDS):
        while (await state(running.runtime.jetstream, EVENTS)).last < sequence:  # noqa: ASYNC110  the relay is another process
            await asyncio.sleep(POLL_SECONDS)
