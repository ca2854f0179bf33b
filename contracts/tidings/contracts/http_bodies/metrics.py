"""Answers of requests for the metrics of volunteer projects."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from tidings.contracts.ids import Id

HoursBy = Literal["user", "project", "task"]


class HoursOf(Struct, frozen=True, kw_only=True):
    """The approved hours of one user, project or task, and the number of their time logs."""

    id: Id
    hours: float
    timelogs: int


class Hours(Struct, frozen=True, kw_only=True):
    """Approved hours: the sum of all that match, and a page of them by id.

    `next`: the `after` of the following page, null on the last one. `sequence`: the last event that
    the read model contains.
    """

    hours: float
    timelogs: int
    by: tuple[HoursOf, ...]
    next: Id | None
    sequence: int


class Tasks(Struct, frozen=True, kw_only=True):
    """The number of tasks and of completed ones, their rate, and the time to completion.

    `rate` is null without any task. The time is measured from the first assignment, and only for
    completed tasks that had been assigned.
    """

    tasks: int
    completed: int
    rate: float | None
    mean_seconds: float | None
    median_seconds: float | None
    sequence: int


class ProjectProgress(Struct, frozen=True, kw_only=True):
    """The tasks of a project, the completed ones, their part (null without tasks), and its
    milestones.
    """

    id: Id
    tasks: int
    completed: int
    progress: float | None
    milestones: int


class Projects(Struct, frozen=True, kw_only=True):
    """A page of projects by id; `next`: the `after` of the following page, null on the last one."""

    projects: tuple[ProjectProgress, ...]
    next: Id | None
    sequence: int
