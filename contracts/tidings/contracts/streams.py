"""The JetStream streams of an installation: subjects, retention and guarantees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tidings.contracts.subjects import DEAD_LETTERS, EVENTS, NOTIFICATIONS, TICKETS

DAY_SECONDS = 86_400
TICKETS_AGE_SECONDS = 600
"""Longer than the lifetime of a ticket plus the difference of clocks."""
PARTITIONS_KEY = "tidings.partitions"
"""The metadata key of the number of partitions with which a stream was installed."""
CONSUMERS_LIMIT = 10_000
MARKS_PER_NOTIFICATION = 4
"""The number of entries in the log for each retained notification; marks must not evict
notifications.
"""


@dataclass(frozen=True)
class Stream:
    """A stream; ages are in seconds (0: no limit), counts in messages (-1: no limit).

    A stream that has reached `limit_bytes` refuses what is appended, and drops nothing.
    """

    name: str
    subjects: tuple[str, ...]
    age_seconds: int = 0
    messages_per_subject: int = -1
    limit_bytes: int | None = None
    deny_delete: bool = False
    ttl: bool = False
    duplicate_window_seconds: float = 120
    replicas: int = 1
    metadata: dict[str, str] = field(default_factory=dict[str, str])

    def configuration(self) -> dict[str, Any]:
        """Return the body of `$JS.API.STREAM.CREATE`, as of nats-server 2.15."""
        return {
            "name": self.name,
            "subjects": list(self.subjects),
            "storage": "file",
            "retention": "limits",
            "discard": "old" if self.limit_bytes is None else "new",
            "max_bytes": self.limit_bytes or -1,
            "num_replicas": self.replicas,
            "max_age": self.age_seconds * 1_000_000_000,
            "max_msgs_per_subject": self.messages_per_subject,
            "max_consumers": CONSUMERS_LIMIT,
            "duplicate_window": int(self.duplicate_window_seconds * 1_000_000_000),
            "allow_direct": True,
            "allow_atomic": True,
            "allow_msg_ttl": self.ttl,
            "deny_delete": self.deny_delete,
            "metadata": self.metadata,
        }


def stream_definitions(
    *,
    partitions: int,
    replicas: int = 1,
    retention_days: int = 30,
    notifications_per_user: int = 1000,
    events_limit_bytes: int | None = None,
    notifications_limit_bytes: int | None = None,
    duplicate_window_seconds: float = 120,
) -> tuple[Stream, ...]:
    """Return the streams of an installation."""
    metadata = {PARTITIONS_KEY: str(partitions)}
    return (
        Stream(
            EVENTS,
            ("events.>",),
            limit_bytes=events_limit_bytes,
            deny_delete=True,
            replicas=replicas,
            metadata=metadata,
            duplicate_window_seconds=duplicate_window_seconds,
        ),
        Stream(
            NOTIFICATIONS,
            ("inbox.>", "member.>", "topic.>", "receipt.>", "outbound.>", "position.>"),
            age_seconds=retention_days * DAY_SECONDS,
            limit_bytes=notifications_limit_bytes,
            messages_per_subject=notifications_per_user * MARKS_PER_NOTIFICATION,
            ttl=True,
            replicas=replicas,
            metadata=metadata,
        ),
        Stream(
            TICKETS,
            ("ticket.>",),
            age_seconds=TICKETS_AGE_SECONDS,
            messages_per_subject=1,
            replicas=replicas,
            metadata=metadata,
        ),
        Stream(
            DEAD_LETTERS,
            ("dead.>",),
            age_seconds=90 * DAY_SECONDS,
            replicas=replicas,
            metadata=metadata,
        ),
    )
