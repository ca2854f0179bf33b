"""Measure what a long log costs: the same work after so many events, beside a short log.

Every event is a task assigned, so that `EVENTS` has a subject for each, and so that relations grow
as well. Each user has `EVENTS_PER_USER` of them, however long the log is. A few teams are told
besides, whose members are found among all relations.

    GROWTH_EVENTS=50000,500000     the sizes, in ascending order; the first one is the peer
    GROWTH_STAGES=notifier,teams   only these of `STAGES`
    GROWTH_MINUTES=20              stop growing then; what was measured is printed
    GROWTH_DIRECTORY=PATH          keep the log and its first figures there for the next run
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx
from psycopg import AsyncConnection
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.log.state import stream_state

from tests.benchmarks.growth_log import TEAM_EVENTS, Log, check_disk, keep_log, open_log
from tests.benchmarks.measure import Row
from tests.benchmarks.processor import ProcessorTimes
from tests.benchmarks.progress import measure_rate
from tests.benchmarks.system import System, person, system

SIZES = "50000,500000"
MINUTES = "110"
EVENTS_PER_USER = 100
PROBE_EVENTS = 20_000
CHUNK_EVENTS = 50_000
MISSED = 20
READERS = 200
TAKEOVERS = 3
RING_BYTES = 16 * 1024 * 1024
"""Full at every size, so that only the length of the log differs."""
SECONDS_PER_EVENT = 0.005
SHORTEST_STAGE_SECONDS = 120.0
GROWTH_LIMIT = 1.15
EDGE, POSTGRES, NATS = "edge", "postgres", "nats-server"
NOTIFIER = "notifier"
SETTLED_SHARE = 0.1
SETTLED_SECONDS = 1.0


class Figure(NamedTuple):
    """A figure of one size; a rate should not fall, a time not rise, unless it is not `limited`."""

    name: str
    value: float
    unit: str
    is_rate: bool = False
    limited: bool = True


Measured = tuple[list[Figure], Log]


async def growth() -> AsyncIterator[Row | str]:
    """Measure at each size of `GROWTH_EVENTS`; the first one is the peer."""
    sizes = sorted(int(size) for size in os.environ.get("GROWTH_EVENTS", SIZES).split(","))
    stages = [STAGES[name] for name in os.environ.get("GROWTH_STAGES", ",".join(STAGES)).split(",")]
    end = time.monotonic() + 60 * float(os.environ.get("GROWTH_MINUTES", MINUTES))
    kept_in = os.environ.get("GROWTH_DIRECTORY")
    directory = Path(kept_in) if kept_in else None
    check_disk(sizes[-1], directory)
    async with system(kept_in=directory) as running:
        log, first = await open_log(running, directory)
        for size in (size for size in sizes if size >= log.count):
            log = await _grown(log, size, end)
            keep_log(log, first, directory)
            if log.count < size:
                yield f"The time is over: the log has {log.count} of {size} events."
                return
            for stage in stages:
                figures, log = await stage(log)
                for figure in figures:
                    for row in _rows(figure, size, first.setdefault(figure.name, figure.value)):
                        yield row
                keep_log(log, first, directory)


def _rows(figure: Figure, size: int, first: float) -> list[Row]:
    grouped = f"{size:,}".replace(",", " ")
    row = Row(figure=f"{figure.name}, after {grouped} events", value=figure.value, unit=figure.unit)
    if figure.value == first:
        return [row]
    cost = first / figure.value if figure.is_rate else figure.value / first
    limit = GROWTH_LIMIT if figure.limited else None
    return [row, Row(figure="… cost ÷ with the shortest log", value=cost, unit="×", limit=limit)]


def _users(log: Log) -> int:
    return max(1, log.count // EVENTS_PER_USER)


def _seconds(events: int) -> float:
    return SHORTEST_STAGE_SECONDS + events * SECONDS_PER_EVENT


async def _grown(log: Log, size: int, end: float) -> Log:
    """Append, route and project events until the log has `size` of them, or the time is over."""
    running = log.running
    async with running.service(NOTIFIER), running.service("projector"):
        while log.count < size and time.monotonic() < end:
            # What is routed but not projected would fill memory and distort what is measured next.
            users = max(1, size // EVENTS_PER_USER)
            log = await log.extended(min(size, log.count + CHUNK_EVENTS), users)
            await _caught_up(log)
    await _tidy_up(running)
    return log


async def _tidy_up(running: System) -> None:
    """Do what Postgres would do in the background while something else is measured."""
    async with await AsyncConnection.connect(running.settings.postgres, autocommit=True) as own:
        await own.execute("VACUUM (ANALYZE)")
        await own.execute("CHECKPOINT")


async def _caught_up(log: Log) -> None:
    await log.running.wait_until_stored(log.notifications, _seconds(CHUNK_EVENTS))
    await log.running.wait_until_projected(await _head(log.running), _seconds(CHUNK_EVENTS))


async def _head(running: System) -> int:
    """Return the sequence of the last notification, which the projector reaches."""
    state = await stream_state(running.runtime.jetstream, NOTIFICATIONS)
    info = await running.runtime.jetstream.call_api(
        f"STREAM.MSG.GET.{NOTIFICATIONS}", {"last_by_subj": "inbox.>"}
    )
    return min(state.last_sequence, info["message"]["seq"])


async def _takeover(log: Log) -> Measured:
    """Measure a notifier's start until it has routed the event that waited for it."""
    times: list[float] = []
    for _ in range(TAKEOVERS):
        log = await log.extended(log.count + 1, _users(log))
        began_at = time.monotonic()
        async with log.running.service(NOTIFIER):
            await log.running.wait_until_stored(log.notifications)
            times.append(time.monotonic() - began_at)
    figure = Figure("a notifier's start until its first event is routed", median(times), "s")
    return [figure], log


async def _notifier(log: Log) -> Measured:
    append = partial(log.extended, log.count + PROBE_EVENTS, _users(log))
    return await _routed(log, append, PROBE_EVENTS, "notifier, tasks assigned")


async def _teams(log: Log) -> Measured:
    return await _routed(log, log.with_teams_told, TEAM_EVENTS, "notifier, teams of 8 told")


async def _routed(
    log: Log, append: Callable[[], Awaitable[Log]], events: int, name: str
) -> Measured:
    """Measure a running notifier while it routes events, from when it has read what it knows."""
    async with log.running.service(NOTIFIER) as pid:
        settled = await _settled_seconds(ProcessorTimes({NOTIFIER: pid}))
        times = ProcessorTimes({NOTIFIER: pid})
        extended = await append()
        rate = await measure_rate(
            log.running.inbox_messages,
            log.notifications,
            extended.notifications,
            pid,
            _seconds(PROBE_EVENTS),
        )
        spent = times.microseconds_each(events)
    figures = [
        Figure(name, rate.per_second, "notifications/s", is_rate=True),
        Figure(f"{name}, its processor an event", spent[NOTIFIER], "µs"),
        Figure(f"{name}, processor of Postgres an event", spent[POSTGRES], "µs"),
        Figure(f"{name}, processor of nats-server an event", spent[NATS], "µs"),
        Figure(f"{name}, its start until it rests", settled, "s", limited=False),
    ]
    return figures, extended


async def _settled_seconds(times: ProcessorTimes) -> float:
    """Wait until the notifier and Postgres rest; return how long that took."""
    began_at = time.monotonic()
    before = times.microseconds_each(1)
    while time.monotonic() - began_at < SHORTEST_STAGE_SECONDS:
        await asyncio.sleep(SETTLED_SECONDS)
        now = times.microseconds_each(1)
        busy = sum(now[name] - before[name] for name in (NOTIFIER, POSTGRES)) / 1e6
        if busy < SETTLED_SHARE * SETTLED_SECONDS:
            break
        before = now
    return time.monotonic() - began_at


async def _projector(log: Log) -> Measured:
    before, head = await log.running.projected(), await _head(log.running)
    if before == head:
        raise ValueError("the projector has nothing to do: measure `notifier` before it")
    async with log.running.service("projector") as pid:
        rate = await measure_rate(log.running.projected, before, head, pid, _seconds(PROBE_EVENTS))
    figures = [
        Figure("projector", rate.per_second, "rows/s", is_rate=True),
        Figure("projector, its processor a row", rate.cpu_microseconds, "µs"),
    ]
    return figures, log


async def _edge_start(log: Log) -> Measured:
    began_at = time.monotonic()
    async with log.running.service("edge", ring_bytes=RING_BYTES):
        return [Figure("an edge's start", time.monotonic() - began_at, "s")], log


async def _list(log: Log) -> Measured:
    return await _requested(log, "a list from Postgres", "/v1/notifications", {}), log


async def _replay(log: Log) -> Measured:
    """Measure a page of what each user missed in the last `MISSED` events of everyone."""
    running = log.running
    after = max(0, await _head(running) - MISSED * _users(log))
    cursor = f"{running.runtime.epochs[NOTIFICATIONS]}-{after}"
    name = f"a replay of {MISSED} from Postgres"
    return await _requested(log, name, "/v1/log", {"after": cursor}), log


async def _requested(log: Log, name: str, path: str, query: Mapping[str, str]) -> list[Figure]:
    """Measure a request by users from the whole range, one after the other.

    Only the processor time has a limit: the edge may wait a moment to gather queries.
    """
    running, users = log.running, _users(log)
    durations: list[float] = []
    async with running.service("projector"), running.service("edge", ring_bytes=1) as edge:
        url = f"http://127.0.0.1:{running.ports['edge']}"
        times = ProcessorTimes({EDGE: edge})
        async with httpx.AsyncClient(base_url=url) as http:
            for number in range(READERS):
                user = person(number * users // READERS)
                headers = {"Authorization": f"Bearer {running.token(user)}"}
                began_at = time.monotonic()
                (await http.get(path, params=query, headers=headers)).raise_for_status()
                durations.append((time.monotonic() - began_at) * 1000)
        spent = times.microseconds_each(READERS)
    return [
        Figure(f"{name}, edge and Postgres", spent[EDGE] + spent[POSTGRES], "µs"),
        Figure(f"{name}, p50", median(durations), "ms", limited=False),
    ]


STAGES: dict[str, Callable[[Log], Awaitable[Measured]]] = {
    "takeover": _takeover,
    "notifier": _notifier,
    "teams": _teams,
    "projector": _projector,
    "edge": _edge_start,
    "list": _list,
    "replay": _replay,
}
"""What is measured at each size, in an order in which each finds the work that it needs."""
