"""The changes that recorded events make to relations."""

from __future__ import annotations

from collections.abc import Iterable

from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.relations import RelationChange
from tidings.domains import RELATIONS


def relation_changes(recorded: AnyRecordedEvent) -> Iterable[RelationChange]:
    """Return the relations that an event opens, closes or deletes."""
    changes = RELATIONS.get(recorded.event.__class__)
    return changes(recorded.event) if changes else ()
