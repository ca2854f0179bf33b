"""The peers' figures, taken as ours are: the same clients, the same bytes, the same rates."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from tests.benchmarks.clients import Crowd
from tests.benchmarks.measure import CpuTime, Latency, memory
from tests.benchmarks.plain_stack import DRAIN_SECONDS, WARM_UP_SECONDS, Kind, complete, latency
from tests.benchmarks.processes import Clients, clients
from tests.benchmarks.stacks import Stack

OVERTAKEN_SECONDS = 30.0


def crowd(stack: Stack, kind: Kind, connections: int, *, tabs: int = 1, first: int = 0) -> Crowd:
    """So many connections of a kind."""
    websockets, streams = (connections, 0) if kind == "websocket" else (0, connections)
    return msgspec.structs.replace(
        stack.crowd, websockets=websockets, streams=streams, per_user=tabs, first_user=first
    )


async def cost(
    stack: Stack,
    kind: Kind,
    *,
    users: int = 200,
    tabs: int = 5,
    frames_per_second: float = 10_000,
    seconds: float = 8,
) -> float:
    """Processor microseconds for each delivered frame, of all its processes."""
    count, per_second = int(frames_per_second * seconds / tabs), frames_per_second / tabs
    async with clients(crowd(stack, kind, users * tabs, tabs=tabs)) as connected:
        await stack.deliver(users, users, per_second)
        await connected.until(users * tabs, DRAIN_SECONDS)
        await connected.reset()
        used = [CpuTime(pid) for pid in stack.pids]
        await stack.deliver(count, users, per_second)
        frames = complete(count * tabs, await connected.until(count * tabs, DRAIN_SECONDS))[
            "entries"
        ]
        return sum(each.microseconds_each(frames) for each in used)


async def idle_memory(stack: Stack, kind: Kind, *, connections: int = 5000) -> float:
    """KiB by which the server grows for each idle connection, once it has served a tenth as many."""
    async with clients(crowd(stack, kind, connections // 10)):
        pass
    await asyncio.sleep(WARM_UP_SECONDS)
    before = memory(stack.server).resident
    async with clients(crowd(stack, kind, connections)):
        await asyncio.sleep(WARM_UP_SECONDS)
        return (memory(stack.server).resident - before) / 1024 / connections


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Crowded:
    """Latency by kind, and the share of a core that all its processes took."""

    latency: dict[Kind, Latency]
    cpu_share: float


async def crowded(
    stack: Stack,
    kinds: tuple[Kind, ...],
    *,
    connections: int = 10_000,
    per_second: float = 2000,
    seconds: float = 10,
) -> Crowded:
    """From a message falling due to its frame read by the client, one connection a user, half of each kind where there are two."""
    part, count = connections // len(kinds), int(per_second * seconds)
    async with _all_connected(stack, kinds, part) as connected:
        await stack.deliver(int(per_second * WARM_UP_SECONDS), connections, per_second)
        await asyncio.sleep(WARM_UP_SECONDS)
        for one in connected.values():
            await one.reset()
        used, started = [CpuTime(pid) for pid in stack.pids], time.monotonic()
        await stack.deliver(count, connections, per_second)
        share = sum(each.seconds() for each in used) / (time.monotonic() - started)
        expected = {
            kind: _share(number, part, count, connections) for number, kind in enumerate(kinds)
        }
        found = {
            kind: latency(expected[kind], await one.until(expected[kind], OVERTAKEN_SECONDS))
            for kind, one in connected.items()
        }
        return Crowded(latency=found, cpu_share=share)


def _share(number: int, part: int, count: int, connections: int) -> int:
    """How many of `count` messages, dealt to the connections in turn, go to those from `number * part` on."""
    rounds, rest = divmod(count, connections)
    return rounds * part + min(part, max(0, rest - number * part))


@asynccontextmanager
async def _all_connected(
    stack: Stack, kinds: tuple[Kind, ...], part: int
) -> AsyncGenerator[dict[Kind, Clients]]:
    async with AsyncExitStack() as running:
        yield {
            kind: await running.enter_async_context(
                clients(crowd(stack, kind, part, first=number * part))
            )
            for number, kind in enumerate(kinds)
        }
