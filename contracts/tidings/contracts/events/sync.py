"""Synchronisation of offline work: conflicts found and settled."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


class SyncConflictDetected(Event, frozen=True, kw_only=True):
    """Two versions of somebody's work contradict each other."""

    type: ClassVar[str] = "sync.conflict_detected"
    conflict_id: Id
    user_id: Id
    entity_type: Id
    entity_id: Id


class SyncConflictResolved(Event, frozen=True, kw_only=True):
    """A contradiction in somebody's work was settled."""

    type: ClassVar[str] = "sync.conflict_resolved"
    conflict_id: Id
    user_id: Id
    entity_type: Id
    entity_id: Id
