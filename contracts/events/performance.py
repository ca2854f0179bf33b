"""How somebody does, by a measure such as revenue."""

from __future__ import annotations

from typing import ClassVar

from contracts.events.base import Event
from contracts.ids import Id


class PerformanceThresholdExceeded(Event, frozen=True, kw_only=True):
    """A measure went beyond its threshold."""

    type: ClassVar[str] = "performance.threshold_exceeded"
    user_id: Id
    metric_type: str
    current_value: float
    threshold: float | None = None
    trend: str | None = None


class PerformanceGoalAchieved(Event, frozen=True, kw_only=True):
    """A goal was reached."""

    type: ClassVar[str] = "performance.goal_achieved"
    user_id: Id
    metric_type: str
    current_value: float
    threshold: float | None = None
    trend: str | None = None


class PerformanceTrendChanged(Event, frozen=True, kw_only=True):
    """A measure goes another way than before."""

    type: ClassVar[str] = "performance.trend_changed"
    user_id: Id
    metric_type: str
    current_value: float
    threshold: float | None = None
    trend: str | None = None
