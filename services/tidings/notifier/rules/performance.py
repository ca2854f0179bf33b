"""What somebody is told about how they do."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import (
    PerformanceGoalAchieved,
    PerformanceThresholdExceeded,
    PerformanceTrendChanged,
    Recorded,
)
from tidings.contracts.notifications import Entity
from tidings.notifier.rule import Rule, Tell


def threshold_exceeded(recorded: Recorded[PerformanceThresholdExceeded]) -> Iterator[Tell]:
    """Tell somebody that a measure of theirs went beyond what was set."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={
            "metric": event.metric_type,
            "value": event.current_value,
            "threshold": event.threshold or 0,
        },
        wording="message" if event.threshold is not None else "plain",
        category="performance",
        entity=Entity(type="metric", id=event.metric_type),
    )


def goal_achieved(recorded: Recorded[PerformanceGoalAchieved]) -> Iterator[Tell]:
    """Congratulate somebody on a goal reached."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={"metric": event.metric_type, "value": event.current_value},
        category="performance",
        level="success",
        entity=Entity(type="metric", id=event.metric_type),
    )


def trend_changed(recorded: Recorded[PerformanceTrendChanged]) -> Iterator[Tell]:
    """Tell somebody that a measure of theirs goes another way."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={
            "metric": event.metric_type,
            "value": event.current_value,
            "trend": event.trend or "",
        },
        wording="message" if event.trend else "plain",
        category="performance",
        entity=Entity(type="metric", id=event.metric_type),
    )


RULES = (
    Rule("performance_threshold_exceeded", PerformanceThresholdExceeded, threshold_exceeded),
    Rule("performance_goal_achieved", PerformanceGoalAchieved, goal_achieved),
    Rule("performance_trend_changed", PerformanceTrendChanged, trend_changed),
)
