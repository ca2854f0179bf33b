"""Achievements: what somebody may be proud of."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


class Achievement(Event, frozen=True, kw_only=True):
    """What every event of an achievement says."""

    user_id: Id
    title: str
    value: float | None = None


class AchievementRevenueMilestone(Achievement, frozen=True, kw_only=True):
    """Somebody's revenue reached a milestone."""

    type: ClassVar[str] = "achievement.revenue_milestone"


class AchievementPerformance(Achievement, frozen=True, kw_only=True):
    """Somebody did exceptionally well."""

    type: ClassVar[str] = "achievement.performance"
