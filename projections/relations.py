"""Relations: what each event says of who stands how to what from now on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from contracts.events import (
    AnyRecorded,
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


class Opens(NamedTuple):
    """A user stands in a relation to an object from now on."""

    object: str
    relation: str
    user: str


class Closes(NamedTuple):
    """A user no longer stands in a relation to an object; None: in whichever, to whatever."""

    object: str | None
    relation: str | None
    user: str


class Ends(NamedTuple):
    """An object is no more: nobody stands in any relation to it."""

    object: str
    relation: None = None
    user: None = None


Turn = Opens | Closes | Ends


def relations(recorded: AnyRecorded) -> Iterator[Turn]:  # noqa: C901  one decision, however many events
    """What becomes of relations with an event."""
    match recorded.event:
        case TaskAssigned() as event:
            yield Opens(f"task:{event.task_id}", "assignee", event.user_id)
        case TaskUnassigned() as event:
            yield Closes(f"task:{event.task_id}", "assignee", event.user_id)
        case TaskWatched() as event:
            yield Opens(f"task:{event.task_id}", "watcher", event.user_id)
        case TaskUnwatched() as event:
            yield Closes(f"task:{event.task_id}", "watcher", event.user_id)
        case TimelogApproved(task_id=str()) as event:
            yield Opens(f"task:{event.task_id}", "volunteer", event.user_id)
        case TaskDeleted() as event:
            yield Ends(f"task:{event.task_id}")
        case TeamMemberAdded() as event:
            yield from _joins_team(event)
        case TeamMemberRemoved() as event:
            yield Closes(f"project:{event.project_id}", event.role, event.user_id)
        case WorkOrderAssigned() as event:
            yield Opens(f"work_order:{event.work_order_id}", "technician", event.technician_id)
        case WorkOrderUnassigned() as event:
            yield Closes(f"work_order:{event.work_order_id}", "technician", event.technician_id)
        case WorkOrderDeleted() as event:
            yield Ends(f"work_order:{event.work_order_id}")
        case LocationStaffJoined() as event:
            yield Opens(f"location:{event.location_id}", "staff", event.user_id)
        case LocationStaffLeft() as event:
            yield Closes(f"location:{event.location_id}", "staff", event.user_id)
        case RoomMemberJoined() as event:
            yield Opens(f"room:{event.room_id}", "member", event.user_id)
        case RoomMemberLeft() as event:
            yield Closes(f"room:{event.room_id}", "member", event.user_id)
        case IncidentCreated() as event:
            yield from (Opens(f"incident:{event.incident_id}", "responder", user) for user in event.responders)
        case IncidentAssigned() as event:
            yield Opens(f"incident:{event.incident_id}", "responder", event.user_id)
        case UserJoined() as event:
            yield Opens("tenant", "member", event.user_id)
            yield from _speaks(event)
        case UserLeft() as event:
            yield Closes(None, None, event.user_id)
        case RoleGranted() as event:
            yield Opens("tenant", event.role, event.user_id)
        case RoleRevoked() as event:
            yield Closes("tenant", event.role, event.user_id)
        case _:
            pass


def _joins_team(event: TeamMemberAdded) -> Iterator[Turn]:
    yield Opens(f"project:{event.project_id}", "member", event.user_id)
    if event.role and event.role != "member":
        yield Opens(f"project:{event.project_id}", event.role, event.user_id)


def _speaks(event: UserJoined) -> Iterator[Turn]:
    """Whoever says what they speak no longer speaks another; what nobody could speak (RFC 5646) opens nothing."""
    if event.locale is None:
        return
    yield Closes(LOCALE, None, event.user_id)
    locale = event.locale.partition(".")[0].lower().replace("_", "-")
    if _LOCALE.match(locale):
        yield Opens(LOCALE, locale, event.user_id)
