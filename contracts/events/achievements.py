"""Achievements: what somebody may be proud of."""

from __future__ import annotations

from typing import ClassVar

from contracts.events.base import Event
from contracts.ids import Id


class AchievementRevenueMilestone(Event, frozen=True, kw_only=True):
    """Somebody's revenue reached a milestone."""

    type: ClassVar[str] = "achievement.revenue_milestone"
    user_id: Id
    title: str
    value: float | None = None


class AchievementPerformance(Event, frozen=True, kw_only=True):
    """Somebody did exceptionally well."""

    type: ClassVar[str] = "achievement.performance"
    user_id: Id
    title: str
    value: float | None = None
