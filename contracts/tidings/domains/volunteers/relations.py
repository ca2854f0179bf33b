"""The relations of users to tasks and projects, and the project of a task."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.relations import (
    AudienceChange,
    ObjectDeleted,
    ObjectLinked,
    RelationChange,
    RelationChanges,
    RelationClosed,
    RelationOpened,
)
from tidings.domains.volunteers.events import (
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
    TaskUnassigned,
    TaskUnwatched,
    TaskWatched,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
)


def _task_in_project(
    event: TaskAssigned | TaskStatusChanged | TaskCompleted | TimelogApproved,
) -> Iterator[ObjectLinked]:
    """Remember the task's project: later events of the task need not name it."""
    if event.task_id and event.project_id:
        yield ObjectLinked(f"task:{event.task_id}", "project", f"project:{event.project_id}")


def _task_assigned(event: TaskAssigned) -> Iterator[AudienceChange]:
    yield RelationOpened(f"task:{event.task_id}", "assignee", event.user_id)
    yield from _task_in_project(event)


def _timelog_approved(event: TimelogApproved) -> Iterator[AudienceChange]:
    if event.task_id:
        yield RelationOpened(f"task:{event.task_id}", "volunteer", event.user_id)
    yield from _task_in_project(event)


def _team_member_added(event: TeamMemberAdded) -> Iterator[RelationChange]:
    yield RelationOpened(f"project:{event.project_id}", "member", event.user_id)
    if event.role and event.role != "member":
        yield RelationOpened(f"project:{event.project_id}", event.role, event.user_id)


RELATIONS: RelationChanges = {
    TaskAssigned: _task_assigned,
    TaskUnassigned: lambda event: [
        RelationClosed(f"task:{event.task_id}", "assignee", event.user_id)
    ],
    TaskWatched: lambda event: [RelationOpened(f"task:{event.task_id}", "watcher", event.user_id)],
    TaskUnwatched: lambda event: [
        RelationClosed(f"task:{event.task_id}", "watcher", event.user_id)
    ],
    TaskStatusChanged: _task_in_project,
    TaskCompleted: _task_in_project,
    TimelogApproved: _timelog_approved,
    TaskDeleted: lambda event: [ObjectDeleted(f"task:{event.task_id}")],
    TeamMemberAdded: _team_member_added,
    TeamMemberRemoved: lambda event: [
        RelationClosed(f"project:{event.project_id}", event.role, event.user_id)
    ],
}
