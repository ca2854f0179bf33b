"""The relations of users to tasks and projects."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.relations import (
    ObjectDeleted,
    RelationChange,
    RelationChanges,
    RelationClosed,
    RelationOpened,
)
from tidings.domains.volunteers.events import (
    TaskAssigned,
    TaskDeleted,
    TaskUnassigned,
    TaskUnwatched,
    TaskWatched,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
)


def _timelog_approved(event: TimelogApproved) -> Iterator[RelationChange]:
    if event.task_id:
        yield RelationOpened(f"task:{event.task_id}", "volunteer", event.user_id)


def _team_member_added(event: TeamMemberAdded) -> Iterator[RelationChange]:
    yield RelationOpened(f"project:{event.project_id}", "member", event.user_id)
    if event.role and event.role != "member":
        yield RelationOpened(f"project:{event.project_id}", event.role, event.user_id)


RELATIONS: RelationChanges = {
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
    TimelogApproved: _timelog_approved,
    TaskDeleted: lambda event: [ObjectDeleted(f"task:{event.task_id}")],
    TeamMemberAdded: _team_member_added,
    TeamMemberRemoved: lambda event: [
        RelationClosed(f"project:{event.project_id}", event.role, event.user_id)
    ],
}
