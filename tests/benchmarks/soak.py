"""Measure what an edge still holds after many clients have connected and left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from urllib.request import urlopen

from tidings.client.appender import Appender

from tests.benchmarks.clients import Crowd
from tests.benchmarks.entries import Entry, deliver
from tests.benchmarks.measure import memory
from tests.benchmarks.processes import clients
from tests.benchmarks.system import system

SAMPLES = 60
WARM_UP_SECONDS = 30.0
SETTLE_SECONDS = 30.0
SETTLE_STEP_SECONDS = 0.5
ANSWER_SECONDS = 60.0
COMPARED = ("tidings_tasks", "process_open_fds", "tidings_connections")

Gauges = dict[str, float]


class Soak(NamedTuple):
    """The clients of a soak.

    `idle` stay connected, `busy` too and receive `entry` in turn, `passing` connect and disconnect
    for as long as the soak lasts.
    """

    url: str
    pid: int
    idle: Crowd
    busy: Crowd
    passing: Crowd
    appender: Appender
    entry: Entry
    per_second: float
    warm_up_seconds: float
    seconds: float


class SoakResult(NamedTuple):
    """The gauges before, during and after a soak, and samples of memory (seconds, bytes)."""

    before: Gauges
    during: Gauges
    after: Gauges
    samples: list[tuple[float, int]]
    sent_count: int
    received_count: int
    visits: int

    @property
    def bytes_per_minute(self) -> float:
        """The slope of a line through the samples (least squares)."""
        return 60 * slope(self.samples)

    @property
    def left_behind(self) -> dict[str, float]:
        """What has not gone with the connections, by gauge; empty if everything has."""
        return {
            name: self.after[name] - self.before[name]
            for name in COMPARED
            if self.after[name] > self.before[name]
        }


async def measure_soak(soak: Soak) -> SoakResult:
    """Connect and disconnect all clients once, keep them until the edge is warm, and measure."""
    for crowd in (soak.idle, soak.busy, soak.passing):
        async with clients(crowd):
            pass
    before = await _settled(soak.url, lambda gauges: gauges["tidings_connections"] == 0)
    async with (
        clients(soak.idle),
        clients(soak.busy) as busy,
        _coming_and_going(soak.passing) as visits,
    ):
        warm_up_count, sent_count = (
            int(soak.per_second * soak.warm_up_seconds),
            int(soak.per_second * soak.seconds),
        )
        await deliver(soak.appender, soak.entry, warm_up_count, soak.per_second)
        await busy.until(warm_up_count, SETTLE_SECONDS)
        await busy.reset()
        async with asyncio.TaskGroup() as group:
            sampling = group.create_task(_samples(soak.pid, soak.seconds))
            group.create_task(deliver(soak.appender, soak.entry, sent_count, soak.per_second))
        during, statistics = await gauges(soak.url), await busy.until(sent_count, SETTLE_SECONDS)
        come = visits[0]
    after = await _settled(
        soak.url, lambda gauges: all(gauges[name] <= before[name] for name in COMPARED)
    )
    return SoakResult(
        before, during, after, sampling.result(), sent_count, statistics["entries"], come
    )


def slope(points: list[tuple[float, int]]) -> float:
    """Return the slope of the line that fits the points best (least squares)."""
    x_mean, y_mean = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / sum(
        (x - x_mean) ** 2 for x, _ in points
    )


async def gauges(url: str) -> Gauges:
    """Fetch the gauges without labels from `/metrics` (Prometheus text format)."""
    text = await asyncio.to_thread(_fetched, f"{url}/metrics")
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return {words[0]: float(words[1]) for words in lines if "{" not in words[0]}


def _fetched(url: str) -> str:
    with urlopen(url, timeout=ANSWER_SECONDS) as answer:
        return answer.read().decode()


SETTINGS: dict[str, object] = {
    "ring_bytes": 4 * 1024 * 1024,
    "notifications_per_user": 100,
    "postgres_connections": 1,
}
"""When warm, the ring and the notification state of every user are full."""


async def run_soak(
    *,
    connections: int = 10_000,
    busy: int = 100,
    passing: int = 100,
    per_second: float = 500,
    seconds: float = 600,
) -> SoakResult:
    """Run a soak with a Tidings of its own; half of the connections are WebSockets."""
    async with system("projector") as running:
        await running.start("edge", **SETTINGS)
        idle, first = connections // 2, connections
        return await measure_soak(
            Soak(
                url=f"http://127.0.0.1:{running.ports['edge']}",
                pid=running.pids["edge"],
                idle=running.crowd(websockets=idle, streams=idle),
                busy=running.crowd(websockets=busy, first=first),
                passing=running.crowd(
                    websockets=passing // 2, streams=passing // 2, first=first + busy
                ),
                appender=running.runtime.appender(),
                entry=running.entries(busy, first=first),
                per_second=per_second,
                warm_up_seconds=WARM_UP_SECONDS,
                seconds=seconds,
            )
        )


async def _samples(pid: int, seconds: float) -> list[tuple[float, int]]:
    started_at, samples = time.monotonic(), list[tuple[float, int]]()
    for number in range(SAMPLES):
        await asyncio.sleep(max(0.0, started_at + number * seconds / SAMPLES - time.monotonic()))
        samples.append((time.monotonic() - started_at, memory(pid).resident))
    return samples


async def _settled(url: str, is_enough: Callable[[Gauges], bool]) -> Gauges:
    """Return the gauges once they are low enough, or after `SETTLE_SECONDS`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_SECONDS):
            while not is_enough(await gauges(url)):  # noqa: ASYNC110  no signal
                await asyncio.sleep(SETTLE_STEP_SECONDS)
    return await gauges(url)


@asynccontextmanager
async def _coming_and_going(crowd: Crowd) -> AsyncGenerator[list[int]]:
    """Connect and disconnect a crowd repeatedly while the block lasts; yields the count."""
    visits = [0]

    async def come_and_go() -> None:
        while True:
            async with clients(crowd):
                visits[0] += 1

    task = asyncio.create_task(come_and_go())
    try:
        yield visits
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
