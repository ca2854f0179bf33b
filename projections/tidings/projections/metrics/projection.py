"""The metrics of volunteer projects: sums over their events."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.subjects import EVENTS, EVERY_EVENT
from tidings.projections import dedup
from tidings.projections.metrics import hours, milestones, tasks
from tidings.projections.projection import Change, Projection

SCHEMA = f"""
{dedup.SCHEMA}
{hours.SCHEMA}
{tasks.SCHEMA}
{milestones.SCHEMA}
"""


def evolve(keyed: dedup.KeyedEvent) -> Iterator[Change]:
    """Record an event that counts as seen, then its changes; other events change nothing."""
    event, key = keyed
    changes = [
        *hours.changes(event, key),
        *tasks.changes(event, key),
        *milestones.changes(event, key),
    ]
    if changes:
        yield dedup.record_seen(event, key)
        yield from changes


METRICS = Projection(
    name="metrics",
    version=2,
    stream=EVENTS,
    subjects=(EVERY_EVENT,),
    schema=SCHEMA,
    evolve=evolve,
    decode=dedup.decode_event,
)
