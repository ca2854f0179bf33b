"""Former shapes of events, each with its `upcast`; the log keeps such events for ever."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.domain import Upcast
from tidings.contracts.event import Event
from tidings.contracts.ids import Id
from tidings.domains.volunteers.events import TaskStatusChanged, TimelogApproved


class TaskStateChanged(Event, frozen=True, kw_only=True):
    """`task.status_changed` as the first volunteer service sent it."""

    type: ClassVar[str] = "task.state_changed"
    task_id: Id
    title: str
    state: str


class HoursApproved(Event, frozen=True, kw_only=True):
    """`timelog.approved` with a duration in minutes."""

    type: ClassVar[str] = "volunteer.hours_approved"
    timelog_id: Id
    user_id: Id
    minutes: int
    project_id: Id


def upcast_task_status(old: TaskStateChanged) -> TaskStatusChanged:
    """Convert a task's state to its status."""
    return TaskStatusChanged(task_id=old.task_id, task_title=old.title, new_status=old.state)


def upcast_hours(old: HoursApproved) -> TimelogApproved:
    """Convert minutes to hours."""
    return TimelogApproved(
        timelog_id=old.timelog_id,
        user_id=old.user_id,
        hours=old.minutes / 60,
        project_id=old.project_id,
    )


LEGACY: tuple[Upcast, ...] = (
    Upcast(TaskStateChanged, upcast_task_status),
    Upcast(HoursApproved, upcast_hours),
)
