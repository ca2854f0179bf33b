"""Volunteers' time logs: hours given, approved or not."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


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
