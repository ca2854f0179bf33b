"""The metrics of volunteer projects: what their events add up to."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.codec import InvalidEvent, recorded
from tidings.contracts.subjects import EVENTS, EVERY_EVENT
from tidings.projections import hours, milestones, seen, tasks
from tidings.projections.projection import Change, Message, Projection

SCHEMA = f"""
{seen.SCHEMA}
{hours.SCHEMA}
{tasks.SCHEMA}
{milestones.SCHEMA}
"""


def evolve(message: Message) -> Iterator[Change]:
    """Note an event that counts as seen, then what it says; all others leave nothing behind."""
    try:
        event = recorded(message.data, message.sequence, message.time_nanoseconds)
    except InvalidEvent:
        return
    key = seen.seen_key(event)
    said = [*hours.changes(event, key), *tasks.changes(event, key), *milestones.changes(event, key)]
    if said:
        yield seen.see(event, key)
        yield from said


METRICS = Projection(
    name="metrics", version=2, stream=EVENTS, subjects=(EVERY_EVENT,), schema=SCHEMA, evolve=evolve
)
