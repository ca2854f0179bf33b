"""The tally of a crowd: frames, entries and latencies received since the last reset."""

import asyncio
import re
import sys
from array import array
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.measure import percentile

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1.0}


def nanoseconds() -> "array[int]":
    """An empty array of 64-bit integers."""
    return array("q")


@dataclass(slots=True, kw_only=True)
class Tally:
    """The frames and entries of all connections since the last reset.

    A frame is a WebSocket message or a Server-Sent Event; it is counted if it matches `counts`. An
    entry is one stamp within a counted frame (without a stamp, the frame itself). Times are
    nanoseconds of `clock`.
    """

    counts: re.Pattern[bytes]
    stamp: re.Pattern[bytes] | None
    clock: Callable[[], int]
    frames: int = 0
    payload_bytes: int = 0
    counted: int = 0
    entries: int = 0
    expected: int = sys.maxsize
    started: int = 0
    first: int = 0
    last: int = 0
    closed: int = 0
    latencies: "array[int]" = field(default_factory=nanoseconds)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def frame(self, payload: bytes, at: int) -> None:
        """Count one frame that arrived at `at`."""
        self.frames += 1
        self.payload_bytes += len(payload)
        if not self.counts.search(payload):
            return
        self.counted += 1
        self.first, self.last = self.first or at, at
        self.entries += 1 if self.stamp is None else self.stamped(self.stamp.findall(payload), at)
        if self.entries >= self.expected:
            self.reached.set()

    def stamped(self, moments: list[bytes], at: int) -> int:
        """Record the latency of each stamp, and return the number of stamps."""
        self.latencies.extend([at - int(moment) for moment in moments])
        return len(moments)

    def reset(self) -> None:
        """Count from zero."""
        self.frames = self.payload_bytes = self.counted = self.entries = self.first = self.last = 0
        self.started, self.expected = self.clock(), sys.maxsize
        del self.latencies[:]
        self.reached.clear()

    async def until(self, entries: int, seconds: float) -> dict[str, Any]:
        """Return the statistics after `entries` entries since the reset, or after `seconds`."""
        self.expected = entries
        if self.entries < entries:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.reached.wait(), seconds)
        return self.statistics()

    def statistics(self) -> dict[str, Any]:
        """Return the statistics since the reset.

        `bytes` is the payload without framing; `seconds` runs from the reset to the last entry;
        `entries_per_second` from the first entry to the last; `latency_milliseconds` from stamp to
        arrival; `closed` counts connections since the beginning.
        """
        span = (self.last - self.first) / 1e9
        return {
            "frames": self.frames,
            "bytes": self.payload_bytes,
            "counted": self.counted,
            "entries": self.entries,
            "seconds": max(0, self.last - self.started) / 1e9,
            "entries_per_second": (self.entries - 1) / span if span else 0.0,
            "latency_milliseconds": {
                name: percentile(self.latencies, share) / 1e6 for name, share in PERCENTILES.items()
            },
            "closed": self.closed,
        }
