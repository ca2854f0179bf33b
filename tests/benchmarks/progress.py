"""Measure the rate of a process by what it has stored, from its first result to its last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tests.benchmarks.measure import CpuTime

POLL_SECONDS = 0.02


class Rate(NamedTuple):
    """Units per second, and the processor microseconds for each of the measured process."""

    per_second: float
    cpu_microseconds: float


async def measure_rate(
    counted: Callable[[], Awaitable[int]], before: int, target: int, pid: int, seconds: float
) -> Rate:
    """Measure a process until the count reaches a target; raises TimeoutError after `seconds`.

    Time runs from the first count beyond `before`, so that starting and taking over do not matter.
    """
    async with asyncio.timeout(seconds):
        first = await _reached(counted, before + 1)
        cpu_time, began_at = CpuTime(pid), time.monotonic()
        last = await _reached(counted, target)
        elapsed = time.monotonic() - began_at
        units = max(1, last - first)
        return Rate(units / elapsed, cpu_time.microseconds_each(units))


async def _reached(counted: Callable[[], Awaitable[int]], target: int) -> int:
    while True:
        if (count := await counted()) >= target:
            return count
        await asyncio.sleep(POLL_SECONDS)
