"""A tally of values by bucket, which costs a fraction of the library's histogram.

It has one writer, the event loop, and is read at each scrape; so it needs no lock.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

INFINITY = "+Inf"


class Tally:
    """Counts of values by bucket, and their sum; `bounds` are upper limits, ascending."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add_value(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def cumulative_counts(self) -> list[tuple[str, float]]:
        """Return each bound with the count of all values up to it, as Prometheus has them."""
        names = [*map(str, self._bounds), INFINITY]
        return list(zip(names, accumulate(self._counts), strict=True))
