"""Metrics: what the events of volunteer projects add up to, as requests are answered."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from tidings.contracts.ids import Id

HoursBy = Literal["user", "project", "task"]


class HoursOf(Struct, frozen=True, kw_only=True):
    """The approved hours of one user, project or task, and how many time logs they come from."""

    id: Id
    hours: float
    timelogs: int


class Hours(Struct, frozen=True, kw_only=True):
    """Approved hours: of all that fits, and a page of them by id; `next` is the `after` of the following page, null on the last one.

    `sequence`: how far in the events this has come.
    """

    hours: float
    timelogs: int
    by: tuple[HoursOf, ...]
    next: Id | None
    sequence: int


class Tasks(Struct, frozen=True, kw_only=True):
    """How many tasks there are and how many are done, which part that is (null: of none), and how long that took from the first assignment.

    Of those done, only those count for the time that had been assigned before.
    """

    tasks: int
    completed: int
    rate: float | None
    mean_seconds: float | None
    median_seconds: float | None
    sequence: int


class ProjectProgress(Struct, frozen=True, kw_only=True):
    """How far a project has come: its tasks, those done and which part that is (null: of none), the milestones it reached."""

    id: Id
    tasks: int
    completed: int
    progress: float | None
    milestones: int


class Projects(Struct, frozen=True, kw_only=True):
    """A page of projects by id; `next` is the `after` of the following page, null on the last one."""

    projects: tuple[ProjectProgress, ...]
    next: Id | None
    sequence: int
