"""Measure ten thousand users of one edge, half by WebSocket and half by event stream."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import NamedTuple

from tests.benchmarks.entries import deliver
from tests.benchmarks.measure import CpuTime, memory, percentile
from tests.benchmarks.processes import Clients, clients
from tests.benchmarks.system import system
from tests.benchmarks.tally import PERCENTILES

WARM_UP_SECONDS = 3.0
DRAIN_SECONDS = 20.0


class DeliveryLatency(NamedTuple):
    """The latency until an entry is on disk and until its frame is read, and the cost of the edge.

    Latencies are milliseconds from the due time.
    """

    on_disk: dict[str, float]
    websocket: dict[str, float]
    stream: dict[str, float]
    opening_seconds: float
    cpu_share: float
    microseconds_per_frame: float
    resident_bytes: int


async def measure_crowd(
    *, connections: int = 10_000, per_second: float = 2000, seconds: float = 20
) -> DeliveryLatency:
    """Deliver at a steady rate to one user per connection, with the projector running.

    Fails unless every entry arrives.
    """
    half = connections // 2
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(system("projector", "edge"))
        kinds = [
            await stack.enter_async_context(clients(running.crowd(websockets=half))),
            await stack.enter_async_context(clients(running.crowd(streams=half, first=half))),
        ]
        appender, entries = running.runtime.appender(), running.entries(connections)
        await deliver(appender, entries, int(per_second * WARM_UP_SECONDS), per_second)
        await asyncio.sleep(1)
        await asyncio.gather(*(kind.reset() for kind in kinds))
        cpu_time, count = (
            CpuTime(running.pids["edge"]),
            int(per_second * seconds) // connections * connections,
        )
        on_disk = await deliver(appender, entries, count, per_second)
        websocket, stream = [await _all(kind, count // 2) for kind in kinds]
        spent = cpu_time.seconds()
        return DeliveryLatency(
            on_disk={name: percentile(on_disk, share) for name, share in PERCENTILES.items()},
            websocket=websocket,
            stream=stream,
            opening_seconds=sum(kind.opened["seconds"] for kind in kinds),
            cpu_share=spent / seconds,
            microseconds_per_frame=spent * 1e6 / count,
            resident_bytes=memory(running.pids["edge"]).resident,
        )


async def _all(kind: Clients, count: int) -> dict[str, float]:
    statistics = await kind.until(count, DRAIN_SECONDS)
    assert (statistics["entries"], statistics["closed"]) == (count, 0), statistics
    return statistics["latency_milliseconds"]
