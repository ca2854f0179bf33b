"""Who is told what: the table of the requirements, row by row."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from contracts import events
from contracts.codec import decode_entry
from contracts.events import EVENTS
from contracts.events.announcements import Addressees
from contracts.events.base import Event
from contracts.notifications import Entity, Notification
from services.notifier.audience import Folded, Membership
from services.notifier.route import drafts, react
from services.notifier.rule import Relation
from services.notifier.rules import RULES
from tests.services.notifier.facts import SEQUENCE, TENANT, fact, folded, nothing_shared


class Row(NamedTuple):
    """A row of the table: a rule, what happened, who is told, in which words and how loudly."""

    rule: str
    event: Event
    told: str
    title: str
    message: str
    category: str
    entity: tuple[str, str]
    level: str = "info"
    priority: str = "normal"
    references: tuple[str, ...] = ()
    actor_too: bool = False


WATER = {"task_id": "456", "task_title": "Water the seedlings", "project_id": "789"}
GARDEN = {"project_id": "789", "project_name": "School garden"}
HOURS = {"timelog_id": "t-5", "user_id": "volunteer", "hours": 2.5, "project_id": "789", "task_id": "456"}
CONFLICT = {"conflict_id": "c-1", "user_id": "volunteer", "entity_type": "task", "entity_id": "456"}
TASK, PROJECT, TIMELOG, ANNOUNCEMENT = ("task", "456"), ("project", "789"), ("timelog", "t-5"), ("announcement", "fact-1")
OF_TASK = ("task 456", "project 789")


def announcement(to: Addressees, told: str) -> Row:
    event = events.AnnouncementPublished(title="Harvest festival", message="Saturday at ten", to=to, priority="high")
    words = ("Harvest festival", "Saturday at ten", "system_announcement", ANNOUNCEMENT)
    return Row("announced", event, told, *words, priority="high", actor_too=True)


TABLE = (
    Row(
        "task_assigned_to_you",
        events.TaskAssigned(**WATER, user_id="volunteer"),
        "volunteer",
        *("Task assigned", "You have been assigned to task: Water the seedlings", "task", TASK),
        references=OF_TASK,
    ),
    Row(
        "task_status_changed",
        events.TaskStatusChanged(**WATER, new_status="in progress", old_status="open"),
        "assignee busy manager volunteer",
        *("Task status changed", "Water the seedlings is now: in progress", "task", TASK),
        references=OF_TASK,
    ),
    Row(
        "task_status_changed",
        events.TaskStatusChanged(task_id="456", task_title="Water the seedlings", new_status="done"),
        "assignee busy volunteer",
        *("Task status changed", "Water the seedlings is now: done", "task", TASK),
        references=("task 456",),
    ),
    Row(
        "task_completed",
        events.TaskCompleted(**WATER, completed_by="somebody"),
        "assignee busy manager volunteer watcher",
        *("Task completed", "Water the seedlings is done", "task", TASK, "success"),
        references=OF_TASK,
    ),
    Row(
        "project_status_changed",
        events.ProjectStatusChanged(**GARDEN, new_status="active"),
        "manager member",
        *("Project status changed", "School garden is now: active", "project", PROJECT),
        references=("project 789",),
    ),
    Row(
        "milestone_completed",
        events.MilestoneCompleted(**GARDEN, milestone_id="m-3", milestone_title="Beds are dug"),
        "manager member",
        *("Milestone completed", "School garden has reached a milestone: Beds are dug", "project", ("milestone", "m-3"), "success"),
        references=("project 789",),
    ),
    Row(
        "added_to_team",
        events.TeamMemberAdded(**GARDEN, user_id="newcomer"),
        "newcomer",
        *("Added to a team", "You are now on the team of School garden", "project", PROJECT),
        references=("project 789",),
    ),
    Row(
        "added_to_team",
        events.TeamMemberAdded(project_id="789", user_id="newcomer", role="manager"),
        "newcomer",
        *("Added to a team", "You are now on the team of 789", "project", PROJECT),
        references=("project 789",),
    ),
    Row(
        "hours_approved",
        events.TimelogApproved(**HOURS),
        "volunteer",
        *("Hours approved", "Your 2.5 hours were approved", "timelog", TIMELOG, "success"),
        references=OF_TASK,
    ),
    Row(
        "hours_rejected",
        events.TimelogRejected(**{**HOURS, "hours": 12.0}, reason="more than the day had"),
        "volunteer",
        *("Hours rejected", "Your 12 hours were rejected: more than the day had", "timelog", TIMELOG, "warning"),
        references=OF_TASK,
    ),
    Row(
        "sync_conflict_detected",
        events.SyncConflictDetected(**CONFLICT),
        "volunteer",
        *("Sync conflict", "Your changes to task 456 conflict with another version", "sync", TASK, "warning"),
        actor_too=True,
    ),
    Row(
        "sync_conflict_resolved",
        events.SyncConflictResolved(**CONFLICT),
        "volunteer",
        *("Sync conflict resolved", "The conflict in task 456 is settled", "sync", TASK),
        actor_too=True,
    ),
    announcement(Addressees(users=("volunteer", "office", "volunteer")), "office volunteer"),
    announcement(Addressees(relation="project:789#member"), "manager member"),
    announcement(Addressees(relation="tenant#office"), "office"),
    announcement(Addressees(everyone=True), "assignee busy manager member volunteer watcher"),
    announcement(Addressees(users=("member", "guest"), relation="tenant#office"), "guest member office"),
)
QUIET = {
    *("task.unassigned", "task.watched", "task.unwatched", "team_member.removed"),
    *("user.joined", "user.left", "role.granted", "role.revoked"),
    "session.revoked",
}
"""Events that are only there to say who stands how to what, or may still come in."""


def notifications(event: Event, known: Folded, **attributes: object) -> list[Notification]:
    """What everybody is told of an event."""
    recorded = fact(event, **attributes)
    entries = [decode_entry(draft.data) for draft in drafts(recorded, react(recorded, RULES), known, nothing_shared(), 16)]
    return [entry for entry in entries if isinstance(entry, Notification)]


def told(found: list[Notification]) -> str:
    return " ".join(notification.user for notification in found)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.told}")
def test_those_concerned_are_told_and_nobody_else(row: Row) -> None:
    found = notifications(row.event, folded())

    assert told(found) == row.told


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.told}")
def test_they_are_told_in_these_words(row: Row) -> None:
    one, *others = notifications(row.event, folded(), actor="somebody")

    assert (one.title, one.message, one.level, one.priority, one.category) == (
        row.title,
        row.message,
        row.level,
        row.priority,
        row.category,
    )
    assert one.entity == Entity(type=row.entity[0], id=row.entity[1])
    assert one.references == dict(reference.split() for reference in row.references)
    assert (one.type, one.tenant, one.actor) == (row.event.type, TENANT, "somebody")
    assert {(other.title, other.message, other.level) for other in others} <= {(one.title, one.message, one.level)}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.told}")
def test_whoever_did_it_is_not_told_unless_the_rule_says_so(row: Row) -> None:
    for actor in row.told.split():
        found = notifications(row.event, folded(), actor=actor)

        assert (actor in told(found).split()) == row.actor_too
        assert {*told(found).split(), actor} == set(row.told.split())


def test_the_people_of_that_moment_are_told_whatever_became_of_them_since() -> None:
    of = Relation("project:789", "member")
    stands = [("left before", 1, SEQUENCE - 1), ("left with it", 1, SEQUENCE), ("left after", 1, SEQUENCE + 1)]
    stands += [("came before", SEQUENCE - 1, None), ("came with it", SEQUENCE, None), ("came after", SEQUENCE + 1, None)]
    known = Folded(frozenset(), {(TENANT, of): [Membership(*one) for one in stands]})

    found = notifications(events.ProjectStatusChanged(**GARDEN, new_status="active"), known)

    assert [notification.user for notification in found] == ["came before", "came with it", "left after"]


def test_another_tenant_with_the_same_project_is_told_nothing() -> None:
    elsewhere = folded(tenant="umbrella")

    found = notifications(events.ProjectStatusChanged(**GARDEN, new_status="active"), elsewhere)

    assert found == []


def test_an_announcement_ends_when_it_says_and_leads_where_it_says() -> None:
    event = events.AnnouncementPublished(
        title="-",
        message="-",
        to=Addressees(users=("u",)),
        expires_at=fact(TABLE[0].event, time="2026-02-01T00:00:00Z").attributes.time,
        entity_url="https://a",
    )

    (found,) = notifications(event, folded())

    assert found.expires and found.expires.isoformat() == "2026-02-01T00:00:00+00:00"
    assert found.entity == Entity(type="announcement", id="fact-1", url="https://a")


def test_every_rule_has_a_name_of_its_own_and_a_row_in_the_table() -> None:
    names = [rule.name for rule in RULES]

    assert len(set(names)) == len(names)
    assert {row.rule for row in TABLE} == set(names)


def test_every_event_tells_somebody_or_is_known_to_tell_nobody() -> None:
    loud = {rule.on.type for rule in RULES}

    assert loud | QUIET == {shape.type for shape in EVENTS}
    assert not loud & QUIET


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.told}")
def test_exactly_one_rule_speaks_of_an_event(row: Row) -> None:
    assert [said.rule for said in react(fact(row.event), RULES)] == [row.rule]
