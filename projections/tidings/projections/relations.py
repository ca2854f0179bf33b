"""Relations: what each event says of who stands how to what from now on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from tidings.contracts.events import (
    AnyRecorded,
    Event,
    IncidentAssigned,
    IncidentCreated,
    LocationStaffJoined,
    LocationStaffLeft,
    RoleGranted,
    RoleRevoked,
    RoomMemberJoined,
    RoomMemberLeft,
    TaskAssigned,
    TaskDeleted,
    TaskUnassigned,
    TaskUnwatched,
    TaskWatched,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
    UserJoined,
    UserLeft,
    WorkOrderAssigned,
    WorkOrderDeleted,
    WorkOrderUnassigned,
)

LOCALE = "locale"
"""The object that somebody stands to in the relation `de` who speaks German; in one at a time."""
_LOCALE = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,8}){0,4}\Z")


class RelationOpened(NamedTuple):
    """A user stands in a relation to an object from now on."""

    object: str
    relation: str
    user: str


class RelationClosed(NamedTuple):
    """A user no longer stands in a relation to an object; None: in whichever, to whatever."""

    object: str | None
    relation: str | None
    user: str


class ObjectDeleted(NamedTuple):
    """An object is no more: nobody stands in any relation to it."""

    object: str
    relation: None = None
    user: None = None


RelationChange = RelationOpened | RelationClosed | ObjectDeleted


def relations(recorded: AnyRecorded) -> Iterable[RelationChange]:
    """What becomes of relations with an event."""
    turns = TURNS.get(recorded.event.__class__)
    return turns(recorded.event) if turns else ()


def _joins_team(event: TeamMemberAdded) -> Iterator[RelationChange]:
    yield RelationOpened(f"project:{event.project_id}", "member", event.user_id)
    if event.role and event.role != "member":
        yield RelationOpened(f"project:{event.project_id}", event.role, event.user_id)


def _joins(event: UserJoined) -> Iterator[RelationChange]:
    yield RelationOpened("tenant", "member", event.user_id)
    yield from _speaks(event)


def _volunteers(event: TimelogApproved) -> Iterator[RelationChange]:
    if event.task_id:
        yield RelationOpened(f"task:{event.task_id}", "volunteer", event.user_id)


def _speaks(event: UserJoined) -> Iterator[RelationChange]:
    """Whoever says what they speak no longer speaks another; what nobody could speak (RFC 5646) opens nothing."""
    if event.locale is None:
        return
    yield RelationClosed(LOCALE, None, event.user_id)
    locale = event.locale.partition(".")[0].lower().replace("_", "-")
    if _LOCALE.match(locale):
        yield RelationOpened(LOCALE, locale, event.user_id)


TURNS: dict[type[Event], Callable[[Any], Iterable[RelationChange]]] = {
    TaskAssigned: lambda event: [
        RelationOpened(f"task:{event.task_id}", "assignee", event.user_id)
    ],
    TaskUnassigned: lambda event: [
        RelationClosed(f"task:{event.task_id}", "assignee", event.user_id)
    ],
    TaskWatched: lambda event: [RelationOpened(f"task:{event.task_id}", "watcher", event.user_id)],
    TaskUnwatched: lambda event: [
        RelationClosed(f"task:{event.task_id}", "watcher", event.user_id)
    ],
    TimelogApproved: _volunteers,
    TaskDeleted: lambda event: [ObjectDeleted(f"task:{event.task_id}")],
    TeamMemberAdded: _joins_team,
    TeamMemberRemoved: lambda event: [
        RelationClosed(f"project:{event.project_id}", event.role, event.user_id)
    ],
    WorkOrderAssigned: lambda event: [
        RelationOpened(f"work_order:{event.work_order_id}", "technician", event.technician_id)
    ],
    WorkOrderUnassigned: lambda event: [
        RelationClosed(f"work_order:{event.work_order_id}", "technician", event.technician_id)
    ],
    WorkOrderDeleted: lambda event: [ObjectDeleted(f"work_order:{event.work_order_id}")],
    LocationStaffJoined: lambda event: [
        RelationOpened(f"location:{event.location_id}", "staff", event.user_id)
    ],
    LocationStaffLeft: lambda event: [
        RelationClosed(f"location:{event.location_id}", "staff", event.user_id)
    ],
    RoomMemberJoined: lambda event: [
        RelationOpened(f"room:{event.room_id}", "member", event.user_id)
    ],
    RoomMemberLeft: lambda event: [
        RelationClosed(f"room:{event.room_id}", "member", event.user_id)
    ],
    IncidentCreated: lambda event: [
        RelationOpened(f"incident:{event.incident_id}", "responder", user)
        for user in event.responders
    ],
    IncidentAssigned: lambda event: [
        RelationOpened(f"incident:{event.incident_id}", "responder", event.user_id)
    ],
    UserJoined: _joins,
    UserLeft: lambda event: [RelationClosed(None, None, event.user_id)],
    RoleGranted: lambda event: [RelationOpened("tenant", event.role, event.user_id)],
    RoleRevoked: lambda event: [RelationClosed("tenant", event.role, event.user_id)],
}
"""What each type of event does to relations; those not listed, nothing."""
