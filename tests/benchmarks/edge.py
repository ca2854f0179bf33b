"""What the edge takes: processor time for a frame, memory for a connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from tidings.contracts.codec import encode
from tidings.runtime.append import Draft

from tests.benchmarks.entries import append, deliver
from tests.benchmarks.measure import CpuTime, memory
from tests.benchmarks.plain_stack import WARM_UP_SECONDS, Kind
from tests.benchmarks.processes import Clients, clients
from tests.benchmarks.system import System, drafted, person, system

TOPIC_USERS = 1000
TOPIC_MEMBERS = 2000
"""More than are connected, and more than are written to one by one by default."""
ARRIVAL_SECONDS = 60.0


class FrameCost(NamedTuple):
    """Processor microseconds for each delivered frame, and the bytes of one."""

    microseconds: float
    frame_bytes: int


async def tabs_cost(
    kind: Kind,
    *,
    users: int = 200,
    tabs: int = 5,
    frames_per_second: float = 10_000,
    seconds: float = 8,
) -> FrameCost:
    """Each user's entry goes to `tabs` connections of theirs: all the way from the stream to the socket."""
    async with (
        system("edge") as running,
        _connected(running, kind, users * tabs, tabs) as connected,
    ):

        async def told(count: int) -> None:
            await deliver(
                running.runtime.appender(), running.entries(users), count, frames_per_second / tabs
            )

        return await cost_of(
            running, connected, told, int(frames_per_second * seconds / tabs), tabs
        )


async def topic_cost(
    kind: Kind, *, users: int = TOPIC_USERS, frames_per_second: float = 10_000, seconds: float = 8
) -> FrameCost:
    """People of a tenant, of whom not all are connected, read the same announcement, one connection each."""
    async with system("projector", "notifier", "edge") as running:
        await append(
            running.runtime.appender(), [_joined(number) for number in range(TOPIC_MEMBERS)]
        )
        async with _connected(running, kind, users, 1) as connected:
            await _announced(running, 1, 1)
            await connected.until(users, ARRIVAL_SECONDS)
            await connected.reset()

            async def told(count: int) -> None:
                await _announced(running, count, frames_per_second / users)

            return await cost_of(
                running, connected, told, int(frames_per_second * seconds / users), users
            )


async def idle_memory(kind: Kind, *, connections: int = 5000, tabs: int = 1) -> float:
    """KiB by which the edge grows for each idle connection, once it has served a tenth as many; `tabs` of them are one user's."""
    async with system("projector", "edge") as running:
        async with _connected(running, kind, connections // 10, tabs):
            pass
        await asyncio.sleep(WARM_UP_SECONDS)
        before = memory(running.pids["edge"]).resident
        async with _connected(running, kind, connections, tabs):
            await asyncio.sleep(WARM_UP_SECONDS)
            return (memory(running.pids["edge"]).resident - before) / 1024 / connections


@asynccontextmanager
async def _connected(
    running: System, kind: Kind, connections: int, tabs: int
) -> AsyncGenerator[Clients]:
    websockets, streams = (connections, 0) if kind == "websocket" else (0, connections)
    tenants = 1 if tabs == 1 else 10
    async with clients(
        running.crowd(websockets=websockets, streams=streams, per_user=tabs, tenants=tenants)
    ) as connected:
        yield connected


async def cost_of(
    running: System,
    connected: Clients,
    told: Callable[[int], Awaitable[None]],
    count: int,
    frames_each: int,
) -> FrameCost:
    """Tell a tenth to warm up, then all of it; every frame must arrive."""
    await told(count // 10)
    await connected.until(count // 10 * frames_each, ARRIVAL_SECONDS)
    await connected.reset()
    used = CpuTime(running.pids["edge"])
    await told(count)
    statistics = await connected.until(count * frames_each, ARRIVAL_SECONDS)
    assert statistics["entries"] == count * frames_each, statistics
    return FrameCost(
        used.microseconds_each(statistics["counted"]), statistics["bytes"] // statistics["frames"]
    )


def _joined(number: int) -> Draft:
    one = person(number, tenants=1)
    body = {
        "specversion": "1.0",
        "id": f"joined-{number}",
        "source": "/bench",
        "type": "user.joined",
        "tenant": one.tenant,
    }
    return drafted(encode({**body, "data": {"user_id": one.user}}))


async def _announced(running: System, count: int, per_second: float) -> None:
    """Announce to everybody, at a steady rate."""
    appender, started = running.runtime.appender(), time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, started + number / per_second - time.monotonic()))
        await appender.append(_announcement(number))


def _announcement(number: int) -> Draft:
    now = time.monotonic_ns()
    said = {
        "title": "Task assigned",
        "message": "You have been assigned to task: Water the seedlings",
        "sent_ns": now,
    }
    body = {
        "specversion": "1.0",
        "id": f"{number}-{now}",
        "source": "/bench",
        "type": "announcement.published",
    }
    return drafted(
        encode({**body, "tenant": person(0, 1).tenant, "data": {**said, "to": {"everyone": True}}})
    )
