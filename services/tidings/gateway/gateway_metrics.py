"""The metrics of a gateway."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram
from tidings.contracts.http_bodies.results import AppendResult

PUBLISH_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class GatewayMetrics:
    """Events by outcome, and the time to append them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        events = Counter(
            "tidings_events_published",
            "Events from producers: stored, known already, or refused.",
            ("outcome",),
            registry=registry,
        )
        self._accepted, self._duplicate, self.refused = (
            events.labels(outcome) for outcome in ("accepted", "duplicate", "refused")
        )
        self.publish_seconds = Histogram(
            "tidings_publish_seconds",
            "Time to append an event or a batch to the log.",
            buckets=PUBLISH_BUCKETS,
            registry=registry,
        )

    def record_results(self, results: list[AppendResult]) -> None:
        """Count appended events."""
        duplicates = sum(result.duplicate for result in results)
        self._accepted.inc(len(results) - duplicates)
        self._duplicate.inc(duplicates)
