"""Measure how fast the outbox relay carries events, beside plain atomic batches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import psycopg
from tidings.client.appender import commit_batch
from tidings.client.outbox import Outbox
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES
from tidings.contracts.subjects import EVENTS
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.outbox.table import create_tables
from tidings.runtime.log.state import stream_state

from tests.benchmarks.measure import CpuTime, Row
from tests.benchmarks.system import System, encode_personal_announcement, make_draft, system

BACKLOG_EVENTS = 60_000
WRITERS = 8
WRITING_SECONDS = 8.0
POLL_SECONDS = 0.02
STAGE_SECONDS = 60.0
OUTBOX = Outbox(source="/bench", tenant="bench")


async def outbox() -> AsyncIterator[Row]:
    """Measure a stored backlog, then transactions of one event each while they are carried."""
    async with system() as running:
        await create_tables(running.settings.postgres)
        floor = await _floor(running)
        await asyncio.to_thread(_backlog, running.settings.postgres)
        before = (await stream_state(running.runtime.jetstream, EVENTS)).last_sequence
        async with running.service("outbox", outbox_dsn=running.settings.postgres) as pid:
            cpu_time, started_at = CpuTime(pid), time.monotonic()
            await _until(running, before + BACKLOG_EVENTS)
            rate, busy = (
                BACKLOG_EVENTS / (time.monotonic() - started_at),
                cpu_time.microseconds_each(BACKLOG_EVENTS),
            )
            yield Row(
                figure="outbox → log, a backlog in one Postgres",
                value=rate,
                unit="events/s",
                limit=5000,
                at_least=True,
            )
            yield Row(figure="… the relay's processor an event", value=busy, unit="µs")
            yield Row(
                figure="… atomic batches of 1000 alone, from memory",
                value=floor,
                unit="events/s",
            )
            before = (await stream_state(running.runtime.jetstream, EVENTS)).last_sequence
            written_count = await _write(running.settings.postgres)
            behind = (
                before
                + written_count
                - (await stream_state(running.runtime.jetstream, EVENTS)).last_sequence
            )
            await _until(running, before + written_count)
            yield Row(
                figure=f"{WRITERS} services, an event a transaction, while the relay works",
                value=written_count / WRITING_SECONDS,
                unit="events/s",
            )
            yield Row(figure="… still waiting when they stop", value=behind, unit="events")


async def _floor(running: System) -> float:
    drafts = [
        make_draft(encode_personal_announcement(number, 500)) for number in range(BACKLOG_EVENTS)
    ]
    started_at = time.monotonic()
    for first in range(0, BACKLOG_EVENTS, BATCH_LIMIT_MESSAGES):
        await commit_batch(running.runtime.jetstream, drafts[first : first + BATCH_LIMIT_MESSAGES])
    return BACKLOG_EVENTS / (time.monotonic() - started_at)


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
    """Run as many transactions as possible, each on a connection of a service of its own."""
    end = time.monotonic() + WRITING_SECONDS
    return sum(await asyncio.gather(*(_writer(dsn, end) for _ in range(WRITERS))))


async def _writer(dsn: str, end: float) -> int:
    count = 0
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while time.monotonic() < end:
            await connection.execute(
                "INSERT INTO tidings_outbox.waiting (event) VALUES (%s)", _event(count)
            )
            count += 1
    return count


async def _until(running: System, sequence: int) -> None:
    async with asyncio.timeout(STAGE_SECONDS):
        jetstream = running.runtime.jetstream
        while (await stream_state(jetstream, EVENTS)).last_sequence < sequence:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
