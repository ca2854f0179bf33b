"""Measure the cost of the edge: processor time per frame and memory per connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from tidings.contracts.codec import encode
from tidings.contracts.messages import NewMessage

from tests.benchmarks.entries import append, deliver
from tests.benchmarks.measure import CpuTime, memory
from tests.benchmarks.plain_stack import WARM_UP_SECONDS, Kind
from tests.benchmarks.processes import Clients, clients
from tests.benchmarks.system import System, make_draft, person, system

TOPIC_USERS = 1000
TOPIC_MEMBERS = 2000
"""More than are connected, and more than are written to one by one by default."""
ARRIVAL_SECONDS = 60.0


class FrameCost(NamedTuple):
    """Processor microseconds per delivered frame, and the bytes of a frame."""

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
    """Measure the cost from the stream to the socket, with `tabs` connections per user."""
    async with (
        system("edge") as running,
        _connected(running, kind, users * tabs, tabs) as crowd_clients,
    ):

        async def notify(count: int) -> None:
            await deliver(
                running.runtime.appender(), running.entries(users), count, frames_per_second / tabs
            )

        return await cost_of(
            running, crowd_clients, notify, int(frames_per_second * seconds / tabs), tabs
        )


async def topic_cost(
    kind: Kind, *, users: int = TOPIC_USERS, frames_per_second: float = 10_000, seconds: float = 8
) -> FrameCost:
    """Measure the cost of an announcement to a tenant, of whose users not all are connected.

    Each connected user has one connection.
    """
    async with system("projector", "notifier", "edge") as running:
        await append(
            running.runtime.appender(), [_joined(number) for number in range(TOPIC_MEMBERS)]
        )
        async with _connected(running, kind, users, 1) as crowd_clients:
            await _announced(running, 1, 1)
            await crowd_clients.until(users, ARRIVAL_SECONDS)
            await crowd_clients.reset()

            async def notify(count: int) -> None:
                await _announced(running, count, frames_per_second / users)

            return await cost_of(
                running, crowd_clients, notify, int(frames_per_second * seconds / users), users
            )


async def measure_edge_memory(kind: Kind, *, connections: int = 5000, tabs: int = 1) -> float:
    """Measure the growth of the edge per idle connection, in KiB, after a tenth as many
    connections.

    Each user has `tabs` connections.
    """
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
    ) as crowd_clients:
        yield crowd_clients


async def cost_of(
    running: System,
    crowd_clients: Clients,
    notify: Callable[[int], Awaitable[None]],
    count: int,
    frames_each: int,
) -> FrameCost:
    """Deliver a tenth to warm up, then everything; fails unless every frame arrives."""
    await notify(count // 10)
    await crowd_clients.until(count // 10 * frames_each, ARRIVAL_SECONDS)
    await crowd_clients.reset()
    cpu_time = CpuTime(running.pids["edge"])
    await notify(count)
    statistics = await crowd_clients.until(count * frames_each, ARRIVAL_SECONDS)
    assert statistics["entries"] == count * frames_each, statistics
    return FrameCost(
        cpu_time.microseconds_each(statistics["counted"]),
        statistics["bytes"] // statistics["frames"],
    )


def _joined(number: int) -> NewMessage:
    user = person(number, tenants=1)
    body = {
        "specversion": "1.0",
        "id": f"joined-{number}",
        "source": "/bench",
        "type": "user.joined",
        "tenant": user.tenant,
    }
    return make_draft(encode({**body, "data": {"user_id": user.user}}))


async def _announced(running: System, count: int, per_second: float) -> None:
    """Announce to all users at a steady rate."""
    appender, started_at = running.runtime.appender(), time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, started_at + number / per_second - time.monotonic()))
        await appender.append(_announcement(number))


def _announcement(number: int) -> NewMessage:
    now = time.monotonic_ns()
    text = {
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
    return make_draft(
        encode({**body, "tenant": person(0, 1).tenant, "data": {**text, "to": {"everyone": True}}})
    )
