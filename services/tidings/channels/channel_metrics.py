"""The metrics of the channels: what was sent, how late decisions are, and what waits too long."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from tidings.channels.decider.delivery import Delivery
from tidings.contracts.channels import Channel
from tidings.contracts.deliveries import Outcome
from tidings.projections.deliveries.queries import OLDEST_WAITING
from tidings.runtime.readmodels.postgres import Postgres

LATENESS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0)
SEND_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0)


class ChannelMetrics:
    """The metrics of a process of the channels, over all its partitions."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._deliveries = Counter(
            "tidings_channel_attempts",
            "Attempts to send, by what they came to: sent, deferred, failed or doubtful.",
            ("channel", "state"),
            registry=registry,
        )
        self._send_seconds = Histogram(
            "tidings_channel_attempt_seconds",
            "Time of an attempt to send.",
            ("channel",),
            buckets=SEND_BUCKETS,
            registry=registry,
        )
        self._lateness_seconds = Histogram(
            "tidings_channel_lateness_seconds",
            "Time from when a delivery is due until it is decided about.",
            buckets=LATENESS_BUCKETS,
            registry=registry,
        )
        self._oldest_seconds = Gauge(
            "tidings_channel_oldest_waiting_seconds",
            "For how long the oldest delivery is due or ordered and not settled, 0 without one.",
            registry=registry,
        )

    def record_outcome(self, channel: Channel, outcome: Outcome) -> None:
        """Count what an attempt came to, and its time."""
        self._deliveries.labels(channel, outcome.state).inc()
        if outcome.milliseconds is not None:
            self._send_seconds.labels(channel).observe(outcome.milliseconds / 1000)

    def record_decisions(
        self, deliveries: Iterable[Delivery], at: datetime, appended_after_seconds: float
    ) -> None:
        """Record how late deliveries are decided about: at a moment of the log, and some seconds
        until that was appended.
        """
        for delivery in deliveries:
            if delivery.until:
                seconds = (at - delivery.until).total_seconds() + appended_after_seconds
                self._lateness_seconds.observe(seconds)

    async def read_waiting(self, postgres: Postgres, partitions: Collection[int]) -> None:
        """Read for how long the oldest delivery of these partitions waits; raises Unavailable."""
        async with postgres.connection() as connection:
            rows = await connection.execute(
                OLDEST_WAITING.encode(), {"partitions": list(partitions)}
            )
            row = await rows.fetchone()
        self._oldest_seconds.set(row[0] if row else 0)
