"""Who is told what: the table of the requirements, row by row."""

from __future__ import annotations

import msgspec
import pytest
from tidings.contracts import events
from tidings.contracts.codec import decode_entry
from tidings.contracts.events import EVENTS
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.events.base import Event
from tidings.contracts.notifications import Entity, Notification
from tidings.notifier.audience import Folded, Membership
from tidings.notifier.route import drafts, react
from tidings.notifier.rule import Relation
from tidings.notifier.rules import RULES
from tidings.notifier.rules.rooms import first_words

from tests.services.notifier.facts import SEQUENCE, TENANT, fact, folded, nothing_shared
from tests.services.notifier.table import GARDEN, TABLE, Row

QUIET = {
    *("task.watched", "task.unwatched", "team_member.removed", "work_order.assigned"),
    *("location.staff_joined", "location.staff_left", "room.member_joined", "room.member_left"),
    *("user.joined", "user.left", "role.granted", "role.revoked"),
    "session.revoked",
}
"""Events that are only there to say who stands how to what, or may still come in."""

WORDLESS = {"task_no_longer_yours", "work_order_no_longer_yours", "button_pressed"}
"""Rules that tell nobody anything."""


def notifications(
    event: Event, known: Folded, rule: str | None = None, **attributes: object
) -> list[Notification]:
    """What everybody is told of an event, by one rule or all."""
    recorded = fact(event, **attributes)
    said = [told for told in react(recorded, RULES) if rule in (None, told.rule)]
    entries = [
        decode_entry(draft.data) for draft in drafts(recorded, said, known, nothing_shared(), 16)
    ]
    return [entry for entry in entries if isinstance(entry, Notification)]


def told(found: list[Notification]) -> str:
    return " ".join(notification.user for notification in found)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.told}")
def test_those_concerned_are_told_and_nobody_else(row: Row) -> None:
    found = notifications(row.event, folded(), row.rule)

    assert told(found) == row.told


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.told}")
def test_they_are_told_in_these_words(row: Row) -> None:
    one, *others = notifications(row.event, folded(), row.rule, actor="somebody")

    assert (one.title, one.message, one.level, one.priority, one.category) == (
        row.title,
        row.message,
        row.level,
        row.priority,
        row.category,
    )
    assert one.entity == (
        Entity(type=row.entity[0], id=row.entity[1], url=row.url) if row.entity else None
    )
    assert one.group == row.group
    assert one.references == dict(reference.split() for reference in row.references)
    assert (one.type, one.tenant, one.actor) == (
        row.event.type,
        TENANT,
        getattr(row.event, "sender_id", "somebody"),
    )
    assert {(other.title, other.message, other.level) for other in others} <= {
        (one.title, one.message, one.level)
    }


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.told}")
def test_whoever_did_it_is_not_told_unless_the_rule_says_so(row: Row) -> None:
    for actor in row.told.split() if not isinstance(row.event, events.MessagePosted) else ():
        found = notifications(row.event, folded(), row.rule, actor=actor)

        assert (actor in told(found).split()) == row.actor_too
        assert {*told(found).split(), actor} == set(row.told.split())


def test_the_people_of_that_moment_are_told_whatever_became_of_them_since() -> None:
    of = Relation("project:789", "member")
    stands = [
        ("left before", 1, SEQUENCE - 1),
        ("left with it", 1, SEQUENCE),
        ("left after", 1, SEQUENCE + 1),
    ]
    stands += [
        ("came before", SEQUENCE - 1, None),
        ("came with it", SEQUENCE, None),
        ("came after", SEQUENCE + 1, None),
    ]
    known = Folded(frozenset(), {(TENANT, of): [Membership(*one) for one in stands]})

    found = notifications(events.ProjectStatusChanged(**GARDEN, new_status="active"), known)

    assert [notification.user for notification in found] == [
        "came before",
        "came with it",
        "left after",
    ]


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
    assert {row.rule for row in TABLE} | WORDLESS == set(names)


def test_every_event_tells_somebody_or_is_known_to_tell_nobody() -> None:
    loud = {rule.on.type for rule in RULES}

    assert loud | QUIET == {shape.type for shape in EVENTS}
    assert not loud & QUIET


@pytest.mark.parametrize(
    ("event", "rules"),
    [
        (events.TaskCompleted(task_id="456", task_title="Water"), ["task_completed"]),
        (events.WorkOrderUpdated(work_order_id="7", status="open"), ["work_order_status"]),
        (
            events.WorkOrderUpdated(work_order_id="7", status="open", issues="Leak"),
            ["work_order_status", "work_order_issue"],
        ),
        (
            events.WorkOrderUpdated(work_order_id="7", status="open", alert_office=True),
            ["work_order_status", "work_order_office_alert"],
        ),
    ],
)
def test_each_rule_speaks_when_it_has_something_to_say(event: Event, rules: list[str]) -> None:
    assert [said.rule for said in react(fact(event), RULES)] == rules


def test_an_achievement_is_to_be_celebrated() -> None:
    (found,) = notifications(
        events.AchievementPerformance(user_id="barber", title="-", value=1), folded()
    )

    assert msgspec.json.decode(found.data) == {
        "user_id": "barber",
        "title": "-",
        "value": 1,
        "celebrate": True,
    }


@pytest.mark.parametrize("actor", [None, "zoe", "chat-service", "busy"])
def test_whoever_wrote_a_message_is_not_told_of_it_whoever_passed_it_on(actor: str | None) -> None:
    event = events.MessagePosted(
        message_id="m-1", room_id="9", sender_id="zoe", sender_name="Zoë", text="Hello"
    )

    (found,) = notifications(event, folded(), **({"actor": actor} if actor else {}))

    assert (found.user, found.actor) == ("busy", "zoe")


def test_whoever_assigned_or_completed_a_task_is_not_told_of_it_though_no_actor_is_named() -> None:
    assigned = events.TaskAssigned(
        task_id="456", task_title="-", user_id="busy", assigned_by="busy"
    )
    completed = events.TaskCompleted(task_id="456", task_title="-", completed_by="busy")

    assert notifications(assigned, folded()) == []
    assert told(notifications(completed, folded())) == "assignee volunteer watcher"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("a\r\n b", "a b"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 99 + "…"),
        ("word " * 30, "word " * 19 + "word…"),
        ("a" + " " * 1000 + "b", "a…"),
        ("wörter " * 100_000, "wörter " * 13 + "wörter…"),
    ],
    ids=range(7),
)
def test_a_message_is_told_by_its_first_words(text: str, words: str) -> None:
    assert first_words(text) == words
