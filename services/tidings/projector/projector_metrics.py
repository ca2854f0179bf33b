"""The metrics of a projector, by projection."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

BATCH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class ProjectorMetrics:
    """The metrics of a projector; its lag is the follower's."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("projection",)
        self.batches = Counter(
            "tidings_projection_batches", "Batches that were applied.", labels, registry=registry
        )
        self.changes = Counter(
            "tidings_projection_changes",
            "Changes of rows that were applied.",
            labels,
            registry=registry,
        )
        self.set_aside = Counter(
            "tidings_projection_set_aside",
            "Entries that cannot be rows and lie in DEAD with the reason.",
            labels,
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "tidings_projection_batch_seconds",
            "Time of the transaction of a batch.",
            labels,
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
