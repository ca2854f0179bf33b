"""How somebody does, by a measure such as revenue."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


class Performance(Event, frozen=True, kw_only=True):
    """What every event of a measure says."""

    user_id: Id
    metric_type: str
    current_value: float
    threshold: float | None = None
    trend: str | None = None


class PerformanceThresholdExceeded(Performance, frozen=True, kw_only=True):
    """A measure went beyond its threshold."""

    type: ClassVar[str] = "performance.threshold_exceeded"


class PerformanceGoalAchieved(Performance, frozen=True, kw_only=True):
    """A goal was reached."""

    type: ClassVar[str] = "performance.goal_achieved"


class PerformanceTrendChanged(Performance, frozen=True, kw_only=True):
    """A measure goes another way than before."""

    type: ClassVar[str] = "performance.trend_changed"
