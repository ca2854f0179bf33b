"""The changes that recorded events make to relations and links."""

from __future__ import annotations

from collections.abc import Iterable

from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.relations import AudienceChange, ObjectLinked, RelationChange
from tidings.domains import RELATIONS


def audience_changes(recorded: AnyRecordedEvent) -> Iterable[AudienceChange]:
    """Return the relations and links that an event changes."""
    changes = RELATIONS.get(recorded.event.__class__)
    return changes(recorded.event) if changes else ()


def relation_changes(recorded: AnyRecordedEvent) -> Iterable[RelationChange]:
    """Return the relations that an event opens, closes or deletes."""
    return (change for change in audience_changes(recorded) if not isinstance(change, ObjectLinked))
