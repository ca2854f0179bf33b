"""The gauges of an edge: connections, presence, the ring, and the unread notifications of users."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client.core import GaugeHistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from tidings.edge.delivery.hub import Hub
from tidings.edge.edge import Edge
from tidings.edge.monitoring.tally import Tally
from tidings.runtime.metrics.metrics import Metrics

UNREAD_BOUNDS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
UNREAD_CACHE_SECONDS = 5.0


def register_gauges(metrics: Metrics, edge: Edge) -> None:
    """Register the gauges of an edge, which are read at each scrape."""
    ring = edge.log.ring
    for name, help_text, read_value in (
        (
            "tidings_connections",
            "Connections of clients, of every kind.",
            lambda: edge.hub.subscriber_count,
        ),
        (
            "tidings_watches",
            "Relations and lists of users whose presence is watched.",
            lambda: edge.presence.watches.group_count,
        ),
        (
            "tidings_signals_dropped",
            "Signals that came faster than they could be passed on.",
            lambda: edge.presence.signals.dropped,
        ),
        ("tidings_ring_messages", "Entries of the log in memory.", lambda: ring.message_count),
        ("tidings_ring_bytes", "Memory of the entries of the log.", lambda: ring.size_bytes),
        (
            "tidings_ring_caught_up",
            "1 once the edge has read all that the log held at its start, else 0.",
            edge.follow_loop.caught_up.is_set,
        ),
    ):
        metrics.set_gauge(name, help_text, read_value)
    metrics.registry.register(UnreadDistribution(edge.hub))


class UnreadDistribution(Collector):
    """How many connected users have how many unread notifications."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._tally = Tally(UNREAD_BOUNDS)
        self._valid_until = 0.0

    def collect(self) -> Iterator[Metric]:
        """Yield the distribution, which is counted at most once in `UNREAD_CACHE_SECONDS`."""
        if time.monotonic() >= self._valid_until:
            self._tally = self._count_unread()
            self._valid_until = time.monotonic() + UNREAD_CACHE_SECONDS
        family = GaugeHistogramMetricFamily(
            "tidings_unread_notifications", "Unread notifications of each connected user."
        )
        family.add_metric([], self._tally.cumulative_counts(), self._tally.total)
        yield family

    def _count_unread(self) -> Tally:
        tally, now = Tally(UNREAD_BOUNDS), time.time()
        for stream in self._hub.streams(lambda stream: stream.is_open):
            tally.add_value(stream.inbox.counts(now).unread)
        return tally
