"""Tasks of volunteer projects: who is on one, and what becomes of it."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
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
    """Somebody wants to hear of a task without being on it."""

    type: ClassVar[str] = "task.watched"
    task_id: Id
    user_id: Id


class TaskUnwatched(Event, frozen=True, kw_only=True):
    """Somebody no longer wants to hear of a task."""

    type: ClassVar[str] = "task.unwatched"
    task_id: Id
    user_id: Id


class TaskDeleted(Event, frozen=True, kw_only=True):
    """A task is no more, nor is anybody on it."""

    type: ClassVar[str] = "task.deleted"
    task_id: Id
    task_title: str | None = None
    project_id: Id | None = None
    deleted_by: Id | None = None
