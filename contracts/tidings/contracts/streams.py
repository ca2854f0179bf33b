"""Streams: what JetStream keeps, for how long, and with which guarantees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tidings.contracts.subjects import DEAD, EVENTS, NOTIFICATIONS, TICKETS

DAY_SECONDS = 86_400
TICKETS_AGE_SECONDS = 600
"""Longer than a ticket may live, clocks that differ included."""
PARTITIONS = "tidings.partitions"
"""Where a stream's metadata says how many partitions it was installed with."""
CONSUMERS_LIMIT = 10_000
MARKS_PER_NOTIFICATION = 4
"""The log keeps this many entries for each notification a person may have, so that marks do not push notifications out."""


@dataclass(frozen=True)
class Stream:
    """One stream; ages in seconds (0: for ever), counts in messages (-1: without limit)."""

    name: str
    subjects: tuple[str, ...]
    age_seconds: int = 0
    messages_per_subject: int = -1
    deny_delete: bool = False
    ttl: bool = False
    duplicate_window_seconds: float = 120
    replicas: int = 1
    metadata: dict[str, str] = field(default_factory=dict[str, str])

    def configuration(self) -> dict[str, Any]:
        """The body of `$JS.API.STREAM.CREATE`, as of nats-server 2.15."""
        return {
            "name": self.name,
            "subjects": list(self.subjects),
            "storage": "file",
            "retention": "limits",
            "discard": "old",
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


def streams(
    *,
    partitions: int,
    replicas: int = 1,
    retention_days: int = 30,
    notifications_per_user: int = 1000,
    duplicate_window_seconds: float = 120,
) -> tuple[Stream, ...]:
    """The streams of an installation."""
    installed = {PARTITIONS: str(partitions)}
    return (
        Stream(
            EVENTS,
            ("events.>",),
            deny_delete=True,
            replicas=replicas,
            metadata=installed,
            duplicate_window_seconds=duplicate_window_seconds,
        ),
        Stream(
            NOTIFICATIONS,
            ("inbox.>", "member.>", "topic.>", "receipt.>", "outbound.>", "position.>"),
            age_seconds=retention_days * DAY_SECONDS,
            messages_per_subject=notifications_per_user * MARKS_PER_NOTIFICATION,
            ttl=True,
            replicas=replicas,
            metadata=installed,
        ),
        Stream(
            TICKETS,
            ("ticket.>",),
            age_seconds=TICKETS_AGE_SECONDS,
            messages_per_subject=1,
            replicas=replicas,
            metadata=installed,
        ),
        Stream(
            DEAD, ("dead.>",), age_seconds=90 * DAY_SECONDS, replicas=replicas, metadata=installed
        ),
    )
