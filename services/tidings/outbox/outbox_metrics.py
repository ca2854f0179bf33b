"""The metrics of an outbox's relay."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge
from tidings.outbox.table import count_events


class OutboxMetrics:
    """The metrics of a relay and of its outbox."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.relayed = Counter(
            "tidings_outbox_relayed", "Events that were stored in the log.", registry=registry
        )
        self.refused = Counter(
            "tidings_outbox_refused", "Events that were set aside as invalid.", registry=registry
        )
        self.failures = Counter(
            "tidings_outbox_failures",
            "Attempts that ended with an error, and are repeated.",
            registry=registry,
        )
        self.leads = Gauge(
            "tidings_outbox_leads",
            "1 while this relay leads its outbox, else 0.",
            registry=registry,
        )
        self.lag_messages = Gauge(
            "tidings_outbox_lag_messages", "Events that wait in the outbox.", registry=registry
        )
        self.lag_seconds = Gauge(
            "tidings_outbox_lag_seconds",
            "Time since the outbox was last seen empty, 0 while it is.",
            registry=registry,
        )
        self.set_aside = Gauge(
            "tidings_outbox_set_aside",
            "Refused events that are kept in tidings_outbox.refused.",
            registry=registry,
        )
        self._empty_at = time.monotonic()

    def record_empty(self) -> None:
        """Record that no event waits."""
        self._empty_at = time.monotonic()

    async def read_counts(self, dsn: str) -> None:
        """Read the counts of the outbox; raises Unavailable or InvalidSettings."""
        waiting, refused = await count_events(dsn)
        if not waiting:
            self.record_empty()
        self.lag_messages.set(waiting)
        self.lag_seconds.set(time.monotonic() - self._empty_at if waiting else 0)
        self.set_aside.set(refused)
