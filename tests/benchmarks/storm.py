"""The storm: the edge was started anew, and everybody comes back at once for what they missed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

from tidings.contracts.cursor import Cursor
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.follow import state

from tests.benchmarks.entries import append
from tests.benchmarks.measure import CpuTime
from tests.benchmarks.processes import clients
from tests.benchmarks.queries import counted_queries
from tests.benchmarks.system import System, system

Source = Literal["ring", "postgres"]

RING_BYTES: dict[Source, int] = {"ring": 256 * 1024 * 1024, "postgres": 1}
"""Room for all that was missed, or for nothing."""


class Storm(NamedTuple):
    """How long it took until all were caught up, the processor seconds of the edge, and how many queries it asked of Postgres."""

    users_per_second: float
    seconds: float
    cpu_seconds: float
    queries: int


async def storm(source: Source, *, users: int = 5000, missed: int = 20) -> Storm:
    """Users, each away while so many entries came, return on a WebSocket each; what they get comes from the ring or from Postgres."""
    async with (
        missing(users, missed) as (running, cursor),
        counted_queries(running.settings.postgres) as queries,
    ):
        await running.start("edge", ring_bytes=RING_BYTES[source], postgres_dsn=queries.dsn)
        used, asked = CpuTime(running.pids["edge"]), queries.count
        async with clients(running.crowd(websockets=users, cursor=cursor)) as returned:
            seconds, opening = returned.opened["seconds"], returned.opened["opening"]
            assert opening["entries"] == users * missed, opening
            return Storm(users / seconds, seconds, used.seconds(), queries.count - asked)


@asynccontextmanager
async def missing(users: int, missed: int) -> AsyncGenerator[tuple[System, str]]:
    """A Tidings without an edge in which everybody has missed so many entries since a cursor, all projected."""
    async with system("projector") as running:
        appender = running.runtime.appender()
        await append(appender, [running.entry(number, users) for number in range(users)])
        cursor = str(
            Cursor(
                running.runtime.epochs[NOTIFICATIONS],
                (await state(running.runtime.jetstream, NOTIFICATIONS)).last,
            )
        )
        await append(
            appender,
            [running.entry(number, users) for number in range(users, users * (missed + 1))],
        )
        await running.projected((await state(running.runtime.jetstream, NOTIFICATIONS)).last)
        yield running, cursor
