"""Measure an overload: more events than can be delivered, and how long the latency stays high."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from tidings.contracts.messages import BATCH_LIMIT_MESSAGES

from tests.benchmarks.backbone import burst_rate, connected, paced_latency
from tests.benchmarks.event_kinds import ANNOUNCEMENT, EventKind
from tests.benchmarks.processes import Clients
from tests.benchmarks.system import System, append_paced, make_draft, system

STEADY_RATE = 1000.0
STEADY_SECONDS = 5.0
BURST_EVENTS = 30_000
OVERLOAD = 1.5
TICK_SECONDS = 0.002
WINDOW_SECONDS = 0.5
RECOVERED = 2.0
"""It has recovered when the latency is below this multiple of what it was before."""
LONGEST_SECONDS = 60.0
MANY = 1_000_000_000


class Recovery(NamedTuple):
    """Seconds from the end of an overload until the latency is normal again; infinite if never.

    The overload was `per_second` notifications for `seconds`; `backlog` is how many of them were
    not delivered when it ended.
    """

    per_second: float
    seconds: float
    backlog: int
    p50_before_milliseconds: float
    recovery_seconds: float


async def measure_recovery(seconds: float = 10.0) -> Recovery:
    """Overload a system for so long, then go on at `STEADY_RATE` until the latency is normal."""
    kind = ANNOUNCEMENT
    async with (
        system("notifier", "projector", "edge") as running,
        connected(running, kind) as crowd_clients,
    ):
        steady = await paced_latency(running, crowd_clients, kind, STEADY_RATE, STEADY_SECONDS)
        before = steady.latency.p50_milliseconds
        rate = OVERLOAD * await burst_rate(running, crowd_clients, kind, BURST_EVENTS)
        await crowd_clients.reset()
        sent_count = await _append_batches(running, kind, rate, seconds)
        delivered = (await crowd_clients.until(0, 0))["entries"]
        recovered = await _recover(running, crowd_clients, kind, RECOVERED * before)
        return Recovery(rate, seconds, sent_count - delivered, before, recovered)


async def _append_batches(
    running: System, kind: EventKind, per_second: float, seconds: float
) -> int:
    """Append at a rate for so long, all events that are due in one batch; return their number."""
    appender, started_at, sent_count = running.runtime.appender(), time.monotonic_ns(), 0
    while (elapsed := (time.monotonic_ns() - started_at) / 1e9) < seconds:
        due = min(int(elapsed * per_second) + 1, sent_count + BATCH_LIMIT_MESSAGES)
        await appender.append_batch(
            [
                make_draft(kind.body(number, started_at + int(number * 1e9 / per_second)))
                for number in range(sent_count, due)
            ]
        )
        sent_count = max(sent_count, due)
        await asyncio.sleep(TICK_SECONDS)
    return sent_count


async def _recover(
    running: System, crowd_clients: Clients, kind: EventKind, limit_milliseconds: float
) -> float:
    """Append at the steady rate; return the seconds until a window is below the limit."""
    started_at, appender = time.monotonic(), running.runtime.appender()
    load = asyncio.create_task(append_paced(appender, kind.body, STEADY_RATE, LONGEST_SECONDS))
    try:
        while not load.done():
            await crowd_clients.reset()
            window = await crowd_clients.until(MANY, WINDOW_SECONDS)
            if window["latency_milliseconds"]["p50"] < limit_milliseconds:
                return time.monotonic() - started_at
        return float("inf")
    finally:
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
