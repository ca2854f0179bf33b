"""Who is told what about synchronisation conflicts."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import Recorded, SyncConflictDetected, SyncConflictResolved
from tidings.contracts.notifications import Entity
from tidings.notifier.rule import Rule, Tell


def conflict_detected(recorded: Recorded[SyncConflictDetected]) -> Iterator[Tell]:
    """Warn somebody that two versions of their work contradict each other."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={"type": event.entity_type, "id": event.entity_id},
        category="sync",
        level="warning",
        entity=Entity(type=event.entity_type, id=event.entity_id),
        actor_too=True,
    )


def conflict_resolved(recorded: Recorded[SyncConflictResolved]) -> Iterator[Tell]:
    """Tell somebody that the contradiction is settled."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={"type": event.entity_type, "id": event.entity_id},
        category="sync",
        entity=Entity(type=event.entity_type, id=event.entity_id),
        actor_too=True,
    )


RULES = (
    Rule("sync_conflict_detected", SyncConflictDetected, conflict_detected),
    Rule("sync_conflict_resolved", SyncConflictResolved, conflict_resolved),
)
