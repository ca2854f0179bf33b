"""Measure the peers like Tidings: with the same clients, bytes and rates."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from tests.benchmarks.clients import Crowd
from tests.benchmarks.measure import CpuTime, Latency, memory
from tests.benchmarks.plain_stack import (
    DRAIN_SECONDS,
    WARM_UP_SECONDS,
    Kind,
    check_complete,
    latency,
)
from tests.benchmarks.processes import Clients, clients
from tests.benchmarks.stacks import Stack

OVERTAKEN_SECONDS = 30.0


def make_crowd(
    stack: Stack, kind: Kind, connections: int, *, tabs: int = 1, first: int = 0
) -> Crowd:
    """Return a crowd of `connections` of one kind."""
    websockets, streams = (connections, 0) if kind == "websocket" else (0, connections)
    return msgspec.structs.replace(
        stack.crowd, websockets=websockets, streams=streams, per_user=tabs, first_user=first
    )


async def measure_cost(
    stack: Stack,
    kind: Kind,
    *,
    users: int = 200,
    tabs: int = 5,
    frames_per_second: float = 10_000,
    seconds: float = 8,
) -> float:
    """Measure the processor microseconds per delivered frame, of all processes of a peer."""
    count, per_second = int(frames_per_second * seconds / tabs), frames_per_second / tabs
    async with clients(make_crowd(stack, kind, users * tabs, tabs=tabs)) as crowd_clients:
        await stack.deliver(users, users, per_second)
        await crowd_clients.until(users * tabs, DRAIN_SECONDS)
        await crowd_clients.reset()
        cpu_times = [CpuTime(pid) for pid in stack.pids]
        await stack.deliver(count, users, per_second)
        frames = check_complete(
            count * tabs, await crowd_clients.until(count * tabs, DRAIN_SECONDS)
        )["entries"]
        return sum(cpu_time.microseconds_each(frames) for cpu_time in cpu_times)


async def measure_idle_memory(stack: Stack, kind: Kind, *, connections: int = 5000) -> float:
    """Measure the growth of the server per idle connection, in KiB, after a tenth as many
    connections.
    """
    async with clients(make_crowd(stack, kind, connections // 10)):
        pass
    await asyncio.sleep(WARM_UP_SECONDS)
    before = memory(stack.server).resident
    async with clients(make_crowd(stack, kind, connections)):
        await asyncio.sleep(WARM_UP_SECONDS)
        return (memory(stack.server).resident - before) / 1024 / connections


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PeerLatency:
    """The latency by kind, and the share of a core that all processes of the peer used."""

    latency: dict[Kind, Latency]
    cpu_share: float


async def measure_peer_crowd(
    stack: Stack,
    kinds: tuple[Kind, ...],
    *,
    connections: int = 10_000,
    per_second: float = 2000,
    seconds: float = 10,
) -> PeerLatency:
    """Measure the latency from the due time of a message to its frame, with one connection per
    user.

    With two kinds, each has half of the connections.
    """
    part, count = connections // len(kinds), int(per_second * seconds)
    async with _all_connected(stack, kinds, part) as crowd_clients:
        await stack.deliver(int(per_second * WARM_UP_SECONDS), connections, per_second)
        await asyncio.sleep(WARM_UP_SECONDS)
        for kind_clients in crowd_clients.values():
            await kind_clients.reset()
        cpu_times, started_at = [CpuTime(pid) for pid in stack.pids], time.monotonic()
        await stack.deliver(count, connections, per_second)
        share = sum(cpu_time.seconds() for cpu_time in cpu_times) / (time.monotonic() - started_at)
        expected_counts = {
            kind: _share(number, part, count, connections) for number, kind in enumerate(kinds)
        }
        latencies: dict[Kind, Latency] = {
            kind: latency(
                expected_counts[kind],
                await kind_clients.until(expected_counts[kind], OVERTAKEN_SECONDS),
            )
            for kind, kind_clients in crowd_clients.items()
        }
        return PeerLatency(latency=latencies, cpu_share=share)


def _share(number: int, part: int, count: int, connections: int) -> int:
    """Return how many of `count` messages go to the connections from `number * part` on.

    The messages are dealt to the connections in turn.
    """
    rounds, rest = divmod(count, connections)
    return rounds * part + min(part, max(0, rest - number * part))


@asynccontextmanager
async def _all_connected(
    stack: Stack, kinds: tuple[Kind, ...], part: int
) -> AsyncGenerator[dict[Kind, Clients]]:
    async with AsyncExitStack() as running:
        yield {
            kind: await running.enter_async_context(
                clients(make_crowd(stack, kind, part, first=number * part))
            )
            for number, kind in enumerate(kinds)
        }
