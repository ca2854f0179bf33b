"""Measure what a long log costs: the same work after so many events, beside a short log.

Every event is a task assigned, so that `EVENTS` has a subject for each, and so that relations grow
as well. Each user has `EVENTS_PER_USER` of them, however long the log is. A few teams are told
besides, whose members are found among all relations.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from statistics import median
from typing import NamedTuple

import httpx
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.log.state import stream_state

from tests.benchmarks.event_kinds import (
    TEAM_STATUS,
    USERS,
    append_events,
    encode_assignment,
    encode_joined,
)
from tests.benchmarks.measure import Row
from tests.benchmarks.processor import ProcessorTimes
from tests.benchmarks.progress import Rate, measure_rate
from tests.benchmarks.system import System, person, system

SIZES = "50000,500000"
EVENTS_PER_USER = 100
PROBE_EVENTS = 20_000
TEAM_EVENTS = 800
CHUNK_EVENTS = 50_000
MISSED = 20
READERS = 200
TAKEOVERS = 3
RING_BYTES = 16 * 1024 * 1024
"""Full at every size, so that only the length of the log differs."""
BYTES_PER_EVENT = 6000
SERVER_BYTES = 4 * 1024**3
"""On disk: event, notification, rows and indexes, and the log of Postgres; more than measured."""
SECONDS_PER_EVENT = 0.005
SHORTEST_STAGE_SECONDS = 120.0
GROWTH_LIMIT = 1.15
EDGE, POSTGRES = "edge", "postgres"


class Figure(NamedTuple):
    """A figure of one size; a rate should not fall, a time not rise, unless it is not `limited`."""

    name: str
    value: float
    unit: str
    is_rate: bool = False
    limited: bool = True


class Log(NamedTuple):
    """A log that grows in steps: its number of assignments, and of notifications of all events."""

    running: System
    count: int
    notifications: int

    async def extended(self, count: int, users: int) -> Log:
        """Append assignments to `users` users in turn up to a number of them."""
        bodies = [encode_assignment(n, n + 1, users) for n in range(self.count, count)]
        await append_events(self.running, bodies)
        return Log(self.running, count, self.notifications + len(bodies))

    async def with_teams_told(self) -> Log:
        """Append `TEAM_EVENTS` events to teams."""
        bodies = [TEAM_STATUS.body(n, self.count + n) for n in range(TEAM_EVENTS)]
        await append_events(self.running, bodies)
        told = len(bodies) * TEAM_STATUS.recipients
        return self._replace(notifications=self.notifications + told)


Measured = tuple[list[Figure], Log]


async def growth() -> AsyncIterator[Row]:
    """Measure at each size of `GROWTH_EVENTS`, in ascending order; the first one is the peer."""
    sizes = sorted(int(size) for size in os.environ.get("GROWTH_EVENTS", SIZES).split(","))
    _check_disk(sizes[-1])
    first: dict[str, float] = {}
    async with system() as running:
        users = max(USERS, sizes[-1] // EVENTS_PER_USER)
        await append_events(running, [*encode_joined(users), *TEAM_STATUS.setup[USERS:]])
        log = Log(running, 0, TEAM_STATUS.setup_notifications)
        for size in sizes:
            log = await _grown(log, size)
            for stage in STAGES:
                figures, log = await stage(log)
                for figure in figures:
                    for row in _rows(figure, size, first.setdefault(figure.name, figure.value)):
                        yield row


def _rows(figure: Figure, size: int, first: float) -> list[Row]:
    grouped = f"{size:,}".replace(",", " ")
    row = Row(figure=f"{figure.name}, after {grouped} events", value=figure.value, unit=figure.unit)
    if figure.value == first:
        return [row]
    cost = first / figure.value if figure.is_rate else figure.value / first
    limit = GROWTH_LIMIT if figure.limited else None
    return [row, Row(figure="… cost ÷ with the shortest log", value=cost, unit="×", limit=limit)]


def _check_disk(events: int) -> None:
    """Raise RuntimeError unless the disk has room for all that a log of this size takes."""
    directory = os.environ.get("TMPDIR", "/tmp")
    free = shutil.disk_usage(directory).free
    needed = events * BYTES_PER_EVENT + SERVER_BYTES
    if free < needed:
        raise RuntimeError(
            f"{directory} has {free >> 30} GiB free; {events} events take {needed >> 30} GiB"
        )


def _users(log: Log) -> int:
    return max(1, log.count // EVENTS_PER_USER)


def _seconds(events: int) -> float:
    return SHORTEST_STAGE_SECONDS + events * SECONDS_PER_EVENT


async def _grown(log: Log, size: int) -> Log:
    """Append, route and project events until the log has `size` of them."""
    running = log.running
    async with running.service("notifier"), running.service("projector"):
        while log.count < size:
            # What is routed but not projected would fill memory and distort what is measured next.
            users = max(1, size // EVENTS_PER_USER)
            log = await log.extended(min(size, log.count + CHUNK_EVENTS), users)
            await _caught_up(log)
    return log


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
        async with log.running.service("notifier"):
            await log.running.wait_until_stored(log.notifications)
            times.append(time.monotonic() - began_at)
    figure = Figure("a notifier's start until its first event is routed", median(times), "s")
    return [figure], log


async def _notifier(log: Log) -> Measured:
    extended = await log.extended(log.count + PROBE_EVENTS, _users(log))
    return await _routed(log, extended, "notifier, tasks assigned"), extended


async def _teams(log: Log) -> Measured:
    extended = await log.with_teams_told()
    return await _routed(log, extended, "notifier, teams of 8 told"), extended


async def _routed(before: Log, after: Log, name: str) -> list[Figure]:
    """Measure a notifier until it has routed what came to the log."""
    async with after.running.service("notifier") as pid:
        rate = await measure_rate(
            after.running.inbox_messages,
            before.notifications,
            after.notifications,
            pid,
            _seconds(PROBE_EVENTS),
        )
    return _stage_figures(name, "notifications/s", rate)


async def _projector(log: Log) -> Measured:
    before, head = await log.running.projected(), await _head(log.running)
    async with log.running.service("projector") as pid:
        rate = await measure_rate(log.running.projected, before, head, pid, _seconds(PROBE_EVENTS))
    return _stage_figures("projector", "rows/s", rate), log


def _stage_figures(name: str, unit: str, rate: Rate) -> list[Figure]:
    return [
        Figure(name, rate.per_second, unit, is_rate=True),
        Figure(f"{name}, its own processor", rate.cpu_microseconds, "µs", limited=False),
    ]


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


STAGES: tuple[Callable[[Log], Awaitable[Measured]], ...] = (
    _takeover,
    _notifier,
    _teams,
    _projector,
    _edge_start,
    _list,
    _replay,
)
"""What is measured at each size, in an order in which each finds the work that it needs."""
