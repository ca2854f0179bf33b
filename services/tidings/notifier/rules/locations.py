"""What everybody at a location is told."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import (
    Recorded,
    TeamAnnouncement,
    TeamPolicyUpdated,
    TeamScheduleChanged,
)
from tidings.contracts.notifications import Entity
from tidings.notifier.rule import Relation, Rule, Tell


def told_to_team(
    recorded: Recorded[TeamAnnouncement | TeamScheduleChanged | TeamPolicyUpdated],
) -> Iterator[Tell]:
    """Pass on to a location's staff what was written for them, under a title of ours."""
    event = recorded.event
    yield Tell(
        to=(Relation(f"location:{event.location_id}", "staff"),),
        says={"message": event.message},
        category="team",
        entity=Entity(type="location", id=event.location_id),
    )


RULES = (
    Rule("team_announcement", TeamAnnouncement, told_to_team),
    Rule("team_schedule_changed", TeamScheduleChanged, told_to_team),
    Rule("team_policy_updated", TeamPolicyUpdated, told_to_team),
)
