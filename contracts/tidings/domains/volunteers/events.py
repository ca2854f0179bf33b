"""Events of volunteer projects: tasks, teams, milestones, hours and offline work."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.event import Event
from tidings.contracts.ids import Id


class TaskAssigned(Event, frozen=True, kw_only=True):
    """A volunteer was given a task."""

    type: ClassVar[str] = "task.assigned"
    task_id: Id
    task_title: str
    user_id: Id
    project_id: Id | None = None
    assigned_by: Id | None = None


class TaskUnassigned(Event, frozen=True, kw_only=True):
    """A volunteer is no longer on a task."""

    type: ClassVar[str] = "task.unassigned"
    task_id: Id
    user_id: Id


class TaskStatusChanged(Event, frozen=True, kw_only=True):
    """A task moved from one status to another."""

    type: ClassVar[str] = "task.status_changed"
    task_id: Id
    task_title: str
    new_status: str
    project_id: Id | None = None
    old_status: str | None = None


class TaskCompleted(Event, frozen=True, kw_only=True):
    """A task is done."""

    type: ClassVar[str] = "task.completed"
    task_id: Id
    task_title: str
    project_id: Id | None = None
    completed_by: Id | None = None


class TaskWatched(Event, frozen=True, kw_only=True):
    """A user began to watch a task that is not assigned to them."""

    type: ClassVar[str] = "task.watched"
    task_id: Id
    user_id: Id


class TaskUnwatched(Event, frozen=True, kw_only=True):
    """A user no longer watches a task."""

    type: ClassVar[str] = "task.unwatched"
    task_id: Id
    user_id: Id


class TaskDeleted(Event, frozen=True, kw_only=True):
    """A task was deleted, and with it all relations to it."""

    type: ClassVar[str] = "task.deleted"
    task_id: Id
    task_title: str | None = None
    project_id: Id | None = None
    deleted_by: Id | None = None


class ProjectStatusChanged(Event, frozen=True, kw_only=True):
    """A project moved from one status to another."""

    type: ClassVar[str] = "project.status_changed"
    project_id: Id
    project_name: str
    new_status: str
    old_status: str | None = None


class MilestoneCompleted(Event, frozen=True, kw_only=True):
    """A project reached a milestone."""

    type: ClassVar[str] = "milestone.completed"
    project_id: Id
    project_name: str
    milestone_id: Id
    milestone_title: str


class TeamMemberAdded(Event, frozen=True, kw_only=True):
    """A user joined a project's team, as a member or in another role (`manager`)."""

    type: ClassVar[str] = "team_member.added"
    project_id: Id
    user_id: Id
    project_name: str | None = None
    role: Id | None = None


class TeamMemberRemoved(Event, frozen=True, kw_only=True):
    """A user left a project's team; with a role, only that role."""

    type: ClassVar[str] = "team_member.removed"
    project_id: Id
    user_id: Id
    project_name: str | None = None
    role: Id | None = None


class TimelogApproved(Event, frozen=True, kw_only=True):
    """A volunteer's hours were approved."""

    type: ClassVar[str] = "timelog.approved"
    timelog_id: Id
    user_id: Id
    hours: float
    project_id: Id
    task_id: Id | None = None
    reason: str | None = None


class TimelogRejected(Event, frozen=True, kw_only=True):
    """A volunteer's hours were rejected."""

    type: ClassVar[str] = "timelog.rejected"
    timelog_id: Id
    user_id: Id
    hours: float
    project_id: Id
    task_id: Id | None = None
    reason: str | None = None


class SyncConflictDetected(Event, frozen=True, kw_only=True):
    """Two versions of a user's offline work conflict."""

    type: ClassVar[str] = "sync.conflict_detected"
    conflict_id: Id
    user_id: Id
    entity_type: Id
    entity_id: Id


class SyncConflictResolved(Event, frozen=True, kw_only=True):
    """A conflict in a user's offline work was resolved."""

    type: ClassVar[str] = "sync.conflict_resolved"
    conflict_id: Id
    user_id: Id
    entity_type: Id
    entity_id: Id


EVENTS: tuple[type[Event], ...] = (
    TaskAssigned,
    TaskUnassigned,
    TaskStatusChanged,
    TaskCompleted,
    TaskWatched,
    TaskUnwatched,
    TaskDeleted,
    ProjectStatusChanged,
    MilestoneCompleted,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
    TimelogRejected,
    SyncConflictDetected,
    SyncConflictResolved,
)
