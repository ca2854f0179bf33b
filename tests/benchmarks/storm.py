"""Measure the storm: after a restart of the edge all users reconnect and catch up at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

from tidings.contracts.cursor import Cursor
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.log.state import stream_state

from tests.benchmarks.entries import append
from tests.benchmarks.measure import CpuTime
from tests.benchmarks.processes import clients
from tests.benchmarks.queries import count_queries
from tests.benchmarks.system import System, system

Source = Literal["ring", "postgres"]

RING_BYTES: dict[Source, int] = {"ring": 256 * 1024 * 1024, "postgres": 1}
"""Room for all that was missed, or for nothing."""


class Storm(NamedTuple):
    """Seconds until all clients were caught up, the edge's processor seconds, and its queries."""

    users_per_second: float
    seconds: float
    cpu_seconds: float
    queries: int


async def measure_storm(source: Source, *, users: int = 5000, missed: int = 20) -> Storm:
    """Reconnect all users at once, each on a WebSocket, after they missed `missed` entries.

    The missed entries come from the ring or from Postgres.
    """
    async with (
        run_with_missed(users, missed) as (running, cursor),
        count_queries(running.settings.postgres) as queries,
    ):
        await running.start("edge", ring_bytes=RING_BYTES[source], postgres_dsn=queries.dsn)
        cpu_time, queries_before = CpuTime(running.pids["edge"]), queries.count
        async with clients(running.crowd(websockets=users, cursor=cursor)) as returning_clients:
            seconds, opening = (
                returning_clients.opened["seconds"],
                returning_clients.opened["opening"],
            )
            assert opening["entries"] == users * missed, opening
            return Storm(
                users / seconds, seconds, cpu_time.seconds(), queries.count - queries_before
            )


@asynccontextmanager
async def run_with_missed(users: int, missed: int) -> AsyncGenerator[tuple[System, str]]:
    """Run Tidings without an edge, with all users having missed entries since a cursor.

    All entries are projected.
    """
    async with system("projector") as running:
        appender = running.runtime.appender()
        await append(appender, [running.entry(number, users) for number in range(users)])
        cursor = str(
            Cursor(
                running.runtime.epochs[NOTIFICATIONS],
                (await stream_state(running.runtime.jetstream, NOTIFICATIONS)).last_sequence,
            )
        )
        await append(
            appender,
            [running.entry(number, users) for number in range(users, users * (missed + 1))],
        )
        await running.wait_until_projected(
            (await stream_state(running.runtime.jetstream, NOTIFICATIONS)).last_sequence
        )
        yield running, cursor
