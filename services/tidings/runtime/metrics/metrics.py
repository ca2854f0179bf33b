"""The metrics of one process: a registry of its own, and the values to read before a scrape."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from tidings.runtime.errors import TidingsError
from tidings.runtime.metrics.follower_lag import FollowerLags

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
REFRESH_INTERVAL_SECONDS = 10.0
REFRESH_TIMEOUT_SECONDS = 2.0
QUERY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

Part = TypeVar("Part")


class PostgresMetrics:
    """The time of queries, and the number of times that Postgres was unavailable."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.query_seconds = Histogram(
            "tidings_postgres_query_seconds",
            "Time that a query or transaction held a connection of the pool.",
            buckets=QUERY_BUCKETS,
            registry=registry,
        )
        self.errors = Counter(
            "tidings_postgres_errors",
            "Queries that failed because Postgres could not be reached or used.",
            registry=registry,
        )


class Metrics:
    """The metrics of one process, not in the library's global registry.

    Tests run several edges in one process, each with metrics of its own.
    """

    def __init__(self) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.postgres = PostgresMetrics(self.registry)
        self.followers = FollowerLags(self.registry)
        self._parts: dict[Any, Any] = {}
        self._refreshes: list[_Refresh] = []
        self.set_gauge(
            "tidings_tasks", "Tasks of the event loop that have not ended.", _count_tasks
        )

    def part(self, make: Callable[[CollectorRegistry], Part]) -> Part:
        """Return the metrics that `make` registers; later calls return the same ones."""
        if make not in self._parts:
            self._parts[make] = make(self.registry)
        return self._parts[make]

    def set_gauge(self, name: str, help_text: str, read_value: Callable[[], float]) -> None:
        """Register a gauge whose value is read at each scrape."""
        Gauge(name, help_text, registry=self.registry).set_function(read_value)

    def add_refresh(self, read: Callable[[], Awaitable[None]]) -> None:
        """Await `read` before a scrape, at most once in `REFRESH_INTERVAL_SECONDS`."""
        self._refreshes.append(_Refresh(read))

    async def exposition(self) -> bytes:
        """Return all metrics in the Prometheus text format 0.0.4."""
        for refresh in self._refreshes:
            await refresh.run()
        return generate_latest(self.registry)


class _Refresh:
    """Reads a value that needs a request; the previous value stays when the request fails."""

    def __init__(self, read: Callable[[], Awaitable[None]]) -> None:
        self._read = read
        self._due_at = 0.0

    async def run(self) -> None:
        """Read the value if it is due."""
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + REFRESH_INTERVAL_SECONDS
        with suppress(TidingsError, TimeoutError):
            async with asyncio.timeout(REFRESH_TIMEOUT_SECONDS):
                await self._read()


def _count_tasks() -> float:
    return len(asyncio.all_tasks())
