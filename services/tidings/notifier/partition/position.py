"""The position of a partition of `EVENTS`: up to where the notifier has routed it."""

from __future__ import annotations

from tidings.contracts.subjects import EVENTS, partition_events_subject
from tidings.runtime.log.position import HandledPartition

SERVICE = "notifier"
POSITION_HEADER = "Tidings-Position"


def events_partition(number: int, epoch: str) -> HandledPartition:
    """Return a partition of `EVENTS` as the notifier handles it."""
    subject = partition_events_subject(number)
    return HandledPartition(SERVICE, number, EVENTS, subject, epoch, POSITION_HEADER)
