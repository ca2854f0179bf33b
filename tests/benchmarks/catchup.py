"""Measure how fast the log is read from its beginning: by a reader, an edge and the projector."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from tidings.contracts.subjects import EVENTS, NOTIFICATIONS
from tidings.projections import INBOX
from tidings.runtime.log.follow import follow
from tidings.runtime.log.state import stream_state

from tests.benchmarks.backbone import copy_rate
from tests.benchmarks.entries import append
from tests.benchmarks.measure import Row
from tests.benchmarks.pipeline import rows_beside_copy
from tests.benchmarks.processor import ProcessorTimes
from tests.benchmarks.progress import measure_rate
from tests.benchmarks.system import System, system

MESSAGES = 100_000
PEOPLE = 1000
RING_BYTES = 512 * 1024 * 1024
NATS = "nats-server"
READ_LIMIT = 40_000
NATS_LIMIT_MICROSECONDS = 10.0
"""With one filter or none it takes 3 µs a message; with several, 100 as soon as the reader lags."""
STAGE_SECONDS = 120.0


class Reading(NamedTuple):
    """Messages per second, and the processor microseconds of nats-server for each."""

    per_second: float
    nats_microseconds: float


async def catchup(messages: int = MESSAGES) -> AsyncIterator[Row]:
    """Measure the readers of a log of `PEOPLE` users, one after the other."""
    async with system() as running:
        empty_start_seconds = await _edge_start(running)
        drafts = [running.entry(number, PEOPLE) for number in range(messages)]
        await append(running.runtime.appender(), drafts)
        whole = await _read(running, (">",))
        logs = await _read(running, INBOX.subjects)
        for row in _rows("followed without a filter", whole, None):
            yield row
        for row in _rows("followed as the projector follows it", logs, READ_LIMIT):
            yield row
        times, seconds = ProcessorTimes({}), await _edge_start(running)
        edge = Reading(
            messages / max(0.001, seconds - empty_start_seconds),
            times.microseconds_each(messages)[NATS],
        )
        for row in _rows("into an edge's ring at its start", edge, READ_LIMIT):
            yield row
        async for row in _projected(running, messages):
            yield row
        yield await _filters(running)


def _rows(how: str, reading: Reading, limit: float | None) -> tuple[Row, Row]:
    return (
        Row(
            figure=f"the log of {PEOPLE} people, {how}",
            value=reading.per_second,
            unit="messages/s",
            limit=limit,
            at_least=True,
        ),
        Row(
            figure="… nats-server, processor a message",
            value=reading.nats_microseconds,
            unit="µs",
            limit=NATS_LIMIT_MICROSECONDS,
        ),
    )


async def _read(running: System, subjects: Sequence[str]) -> Reading:
    """Follow the log in this process from its beginning to its end."""
    jetstream, state = (
        running.runtime.jetstream,
        await stream_state(running.runtime.jetstream, NOTIFICATIONS),
    )
    times, began_at, count = ProcessorTimes({}), time.monotonic(), 0
    batches = follow(jetstream, NOTIFICATIONS, subjects, after=0, epoch=state.epoch)
    async with asyncio.timeout(STAGE_SECONDS), aclosing(batches):
        async for batch in batches:
            count += len(batch)
            if batch and batch[-1].sequence >= state.last_sequence:
                break
    elapsed = time.monotonic() - began_at
    return Reading(count / elapsed, times.microseconds_each(count)[NATS])


async def _edge_start(running: System) -> float:
    """Start an edge and stop it; return the seconds until its ring held the log."""
    began_at = time.monotonic()
    async with running.service("edge", ring_bytes=RING_BYTES):
        return time.monotonic() - began_at


async def _projected(running: System, messages: int) -> AsyncIterator[Row]:
    head = (await stream_state(running.runtime.jetstream, NOTIFICATIONS)).last_sequence
    times = ProcessorTimes({})
    async with running.service("projector") as pid:
        rate = await measure_rate(running.projected, 0, head, pid, STAGE_SECONDS)
        nats = times.microseconds_each(messages)[NATS]
    copy = await asyncio.to_thread(copy_rate, running.settings.postgres)
    for row in rows_beside_copy("… projected", rate.per_second, copy):
        yield row
    yield Row(
        figure="… nats-server, processor a message",
        value=nats,
        unit="µs",
        limit=NATS_LIMIT_MICROSECONDS,
    )


async def _filters(running: System) -> Row:
    """Count the consumers of all services that filter by more than one subject."""
    for service in ("notifier", "projector", "edge"):
        await running.start(service)
    several = 0
    for stream in (EVENTS, NOTIFICATIONS):
        answer = await running.runtime.jetstream.call_api(f"CONSUMER.LIST.{stream}")
        several += sum(
            len(consumer["config"].get("filter_subjects") or ()) > 1
            for consumer in answer["consumers"]
        )
    return Row(figure="consumers with several filters", value=several, unit="", limit=0)
