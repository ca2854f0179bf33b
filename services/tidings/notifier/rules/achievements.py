"""What somebody is told who may be proud of it."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import AchievementPerformance, AchievementRevenueMilestone, Recorded
from tidings.notifier.rule import Rule, Tell


def achieved(
    recorded: Recorded[AchievementRevenueMilestone | AchievementPerformance],
) -> Iterator[Tell]:
    """Celebrate what somebody achieved."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={"title": event.title, "value": event.value or 0},
        wording="valued" if event.value is not None else "message",
        category="achievement",
        level="success",
        more={"celebrate": True},
    )


RULES = (
    Rule("achievement_revenue_milestone", AchievementRevenueMilestone, achieved),
    Rule("achievement_performance", AchievementPerformance, achieved),
)
