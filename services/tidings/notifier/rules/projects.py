"""Who is told what about projects."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import (
    MilestoneCompleted,
    ProjectStatusChanged,
    Recorded,
    TeamMemberAdded,
)
from tidings.contracts.notifications import Entity
from tidings.notifier.rule import Rule, Tell, project


def status_changed(recorded: Recorded[ProjectStatusChanged]) -> Iterator[Tell]:
    """Tell the whole team where their project stands now."""
    event = recorded.event
    yield Tell(
        to=project(event.project_id, "member"),
        says={"project": event.project_name, "status": event.new_status},
        category="project",
        entity=Entity(type="project", id=event.project_id),
        references={"project": event.project_id},
    )


def milestone_completed(recorded: Recorded[MilestoneCompleted]) -> Iterator[Tell]:
    """Tell the whole team about a milestone reached."""
    event = recorded.event
    yield Tell(
        to=project(event.project_id, "member"),
        says={"project": event.project_name, "milestone": event.milestone_title},
        category="project",
        level="success",
        entity=Entity(type="milestone", id=event.milestone_id),
        references={"project": event.project_id},
    )


def added_to_team(recorded: Recorded[TeamMemberAdded]) -> Iterator[Tell]:
    """Welcome a new member to the team."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={"project": event.project_name or event.project_id},
        category="project",
        entity=Entity(type="project", id=event.project_id),
        references={"project": event.project_id},
    )


RULES = (
    Rule("project_status_changed", ProjectStatusChanged, status_changed),
    Rule("milestone_completed", MilestoneCompleted, milestone_completed),
    Rule("added_to_team", TeamMemberAdded, added_to_team),
)
