"""Metrics: what the events of volunteer projects add up to, as requests are answered."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from contracts.ids import Id

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
