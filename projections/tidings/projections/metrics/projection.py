"""The metrics of volunteer projects: sums over their events."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.codec import InvalidEvent, decode_recorded_event
from tidings.contracts.subjects import EVENTS, EVERY_EVENT
from tidings.projections import dedup
from tidings.projections.metrics import hours, milestones, tasks
from tidings.projections.projection import Change, LogMessage, Projection

SCHEMA = f"""
{dedup.SCHEMA}
{hours.SCHEMA}
{tasks.SCHEMA}
{milestones.SCHEMA}
"""


def evolve(message: LogMessage) -> Iterator[Change]:
    """Record an event that counts as seen, then its changes; other events change nothing."""
    try:
        event = decode_recorded_event(
            message.data, message.sequence, message.time_nanoseconds, message.subject
        )
    except InvalidEvent:
        return
    key = dedup.event_digest(event)
    changes = [
        *hours.changes(event, key),
        *tasks.changes(event, key),
        *milestones.changes(event, key),
    ]
    if changes:
        yield dedup.record_seen(event, key)
        yield from changes


METRICS = Projection(
    name="metrics", version=2, stream=EVENTS, subjects=(EVERY_EVENT,), schema=SCHEMA, evolve=evolve
)
