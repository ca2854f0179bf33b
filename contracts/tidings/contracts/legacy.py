"""Shapes that events once had, each with its `upcast` to the shape of today; the log keeps them for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from tidings.contracts.events import TaskStatusChanged, TimelogApproved
from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


class TaskStateChanged(Event, frozen=True, kw_only=True):
    """`task.status_changed` as the first volunteer service sent it."""

    type: ClassVar[str] = "task.state_changed"
    task_id: Id
    title: str
    state: str


class HoursApproved(Event, frozen=True, kw_only=True):
    """`timelog.approved` when time was still counted in minutes."""

    type: ClassVar[str] = "volunteer.hours_approved"
    timelog_id: Id
    user_id: Id
    minutes: int
    project_id: Id


class Upcast(NamedTuple):
    """An old shape and how it reads today."""

    shape: type[Event]
    upcast: Callable[[Any], Event]


def task_status(old: TaskStateChanged) -> TaskStatusChanged:
    """A state was what is a status now."""
    return TaskStatusChanged(task_id=old.task_id, task_title=old.title, new_status=old.state)


def hours(old: HoursApproved) -> TimelogApproved:
    """Minutes were what are hours now."""
    return TimelogApproved(
        timelog_id=old.timelog_id,
        user_id=old.user_id,
        hours=old.minutes / 60,
        project_id=old.project_id,
    )


LEGACY: tuple[Upcast, ...] = (
    Upcast(TaskStateChanged, task_status),
    Upcast(HoursApproved, hours),
)
