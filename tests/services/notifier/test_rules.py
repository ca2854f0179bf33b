"""The rules: recipients and text of each row in the table of requirements."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tidings.contracts.categories import CATEGORIES
from tidings.contracts.codec import decode_entry
from tidings.contracts.event import Event
from tidings.contracts.notifications import Entity, Filter, Notification
from tidings.contracts.relations import Relation
from tidings.contracts.rules import Retract
from tidings.contracts.subjects import Subjects
from tidings.domains import EVENTS, RULES
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.barbershop.events import AchievementPerformance
from tidings.domains.chat.events import MessagePosted
from tidings.domains.field_service.events import (
    WorkOrderUnassigned,
    WorkOrderUpdated,
)
from tidings.domains.volunteers.events import ProjectStatusChanged, TaskAssigned, TaskCompleted
from tidings.notifier.audience.audience import Audience, Membership
from tidings.notifier.partition.routing import (
    excluded_actor,
    messages,
    notifications_in,
    react,
)

from tests.services.notifier.facts import (
    SEQUENCE,
    TENANT,
    TEXTS,
    audience_of,
    no_topics,
    recorded_event,
)
from tests.services.notifier.table import GARDEN, TABLE, RuleCase

WITHOUT_RULES = {
    *("task.watched", "task.unwatched", "team_member.removed"),
    *("location.staff_joined", "location.staff_left", "room.member_joined", "room.member_left"),
    *("user.joined", "user.left", "role.granted", "role.revoked"),
    *("session.revoked", "tenant.configured"),
    *("preference.set", "preference.cleared", "quiet_hours.set", "quiet_hours.cleared"),
    *("pause.set", "address.confirmed", "address.withdrawn"),
    *("device.registered", "device.unregistered", "channel.restored"),
    *("endpoint.registered", "endpoint.changed", "endpoint.withdrawn", "endpoint.replayed"),
    "delivery.failed",
    *("announcement.scheduled", "announcement.rescheduled", "announcement.cancelled"),
}
"""Events that only change relations, or that no rule uses yet."""

WITHOUT_NOTIFICATION = {"task_no_longer_yours", "work_order_no_longer_yours", "button_pressed"}
"""Rules that create no notification."""


def notifications_of(
    event: Event, audience: Audience, rule: str | None = None, **attributes: Any
) -> list[Notification]:
    """Return all notifications of an event, by one rule or by all rules."""
    recorded = recorded_event(event, **attributes)
    effects = [effect for effect in react(recorded, RULES) if rule in (None, effect.rule)]
    entries = [
        decode_entry(draft.data)
        for draft in messages(recorded, effects, audience, no_topics(), Subjects(16), TEXTS)
    ]
    return [entry for entry in entries if isinstance(entry, Notification)]


def join_recipients(notifications: list[Notification]) -> str:
    return " ".join(notification.user for notification in notifications)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.recipients}")
def test_exactly_the_recipients_of_the_table_are_notified(row: RuleCase) -> None:
    notifications = notifications_of(row.event, audience_of(), row.rule)

    assert join_recipients(notifications) == row.recipients


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.recipients}")
def test_notifications_have_the_text_of_the_table(row: RuleCase) -> None:
    first, *others = notifications_of(row.event, audience_of(), row.rule, actor="somebody")

    assert (first.title, first.message, first.level, first.priority, first.category) == (
        row.title,
        row.message,
        row.level,
        row.priority,
        row.category,
    )
    assert first.entity == (
        Entity(type=row.entity[0], id=row.entity[1], url=row.url) if row.entity else None
    )
    assert first.group == row.group
    assert first.references == dict(reference.split() for reference in row.references)
    assert (first.type, first.tenant, first.actor) == (
        row.type or getattr(row.event, "notification_type", row.event.type),
        TENANT,
        getattr(row.event, "sender_id", "somebody"),
    )
    assert {(other.title, other.message, other.level) for other in others} <= {
        (first.title, first.message, first.level)
    }


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.recipients}")
def test_the_actor_is_not_notified_unless_the_rule_includes_them(row: RuleCase) -> None:
    for actor in row.recipients.split() if not isinstance(row.event, MessagePosted) else ():
        notifications = notifications_of(row.event, audience_of(), row.rule, actor=actor)

        assert (actor in join_recipients(notifications).split()) == row.include_actor
        assert {*join_recipients(notifications).split(), actor} == set(row.recipients.split())


def test_the_members_at_the_time_of_the_event_are_notified() -> None:
    of = Relation("project:789", "member")
    intervals = [
        ("left before", 1, SEQUENCE - 1),
        ("left with it", 1, SEQUENCE),
        ("left after", 1, SEQUENCE + 1),
    ]
    intervals += [
        ("came before", SEQUENCE - 1, None),
        ("came with it", SEQUENCE, None),
        ("came after", SEQUENCE + 1, None),
    ]
    audience = Audience(
        frozenset(), {(TENANT, of): [Membership(*interval) for interval in intervals]}
    )

    notifications = notifications_of(ProjectStatusChanged(**GARDEN, new_status="active"), audience)

    assert [notification.user for notification in notifications] == [
        "came before",
        "came with it",
        "left after",
    ]


def test_the_same_project_of_another_tenant_is_not_notified() -> None:
    elsewhere = audience_of(tenant="umbrella")

    notifications = notifications_of(ProjectStatusChanged(**GARDEN, new_status="active"), elsewhere)

    assert notifications == []


def test_an_announcement_keeps_its_expiry_and_its_url() -> None:
    event = AnnouncementPublished(
        title="-",
        message="-",
        to=Addressees(users=("u",)),
        expires_at=recorded_event(TABLE[0].event, time="2026-02-01T00:00:00Z").attributes.time,
        entity_url="https://a",
    )

    (notification,) = notifications_of(event, audience_of())

    assert notification.expires and notification.expires.isoformat() == "2026-02-01T00:00:00+00:00"
    assert notification.entity == Entity(type="announcement", id="fact-1", url="https://a")


def test_every_rule_has_a_unique_name_and_a_row_in_the_table() -> None:
    names = [rule.name for rule in RULES]

    assert len(set(names)) == len(names)
    assert {row.rule for row in TABLE} | WITHOUT_NOTIFICATION == set(names)


def test_every_event_has_a_rule_or_is_listed_without_one() -> None:
    notifying = {rule.event_type.type for rule in RULES}

    assert notifying | WITHOUT_RULES == {shape.type for shape in EVENTS}
    assert not notifying & WITHOUT_RULES


def test_settings_can_name_the_category_of_every_rule() -> None:
    of_rules = {row.category for row in TABLE if row.rule != "notification_requested"}

    assert of_rules | {"notification"} == set(CATEGORIES)


@pytest.mark.parametrize(
    ("event", "rules"),
    [
        (TaskCompleted(task_id="456", task_title="Water"), ["task_completed"]),
        (WorkOrderUpdated(work_order_id="7", status="open"), ["work_order_status"]),
        (
            WorkOrderUpdated(work_order_id="7", status="open", issues="Leak"),
            ["work_order_status", "work_order_issue"],
        ),
        (
            WorkOrderUpdated(work_order_id="7", status="open", alert_office=True),
            ["work_order_status", "work_order_office_alert"],
        ),
    ],
)
def test_a_rule_applies_only_to_events_with_its_fields(event: Event, rules: list[str]) -> None:
    assert [effect.rule for effect in react(recorded_event(event), RULES)] == rules


def test_an_achievement_has_the_celebrate_flag() -> None:
    (notification,) = notifications_of(
        AchievementPerformance(user_id="barber", title="-", amount=1, period="May"), audience_of()
    )

    assert {
        "amount": 1,
        "period": "May",
        "celebrate": True,
    }.items() <= msgspec.json.decode(notification.data).items()


@pytest.mark.parametrize("actor", [None, "zoe", "chat-service", "busy"])
def test_the_author_of_a_message_is_not_notified_whichever_actor_emitted_it(
    actor: str | None,
) -> None:
    event = MessagePosted(
        message_id="m-1", room_id="9", sender_id="zoe", sender_name="Zoë", text="Hello"
    )

    (notification,) = notifications_of(event, audience_of(), **({"actor": actor} if actor else {}))

    assert (notification.user, notification.actor) == ("busy", "zoe")


def test_a_user_who_assigned_or_completed_a_task_is_notified_and_named_as_the_actor() -> None:
    assignment = TaskAssigned(task_id="456", task_title="-", user_id="busy", assigned_by="busy")
    completion = TaskCompleted(task_id="456", task_title="-", completed_by="busy")

    to_assignee = notifications_of(assignment, audience_of())
    to_stakeholders = notifications_of(completion, audience_of())

    assert join_recipients(to_assignee) == "busy"
    assert join_recipients(to_stakeholders) == "assignee busy manager volunteer watcher"
    assert {each.actor for each in (*to_assignee, *to_stakeholders)} == {"busy"}


@pytest.mark.parametrize(
    "text",
    ["", "a\r\n b", "x" * 100, "x" * 101, "word " * 30, "wörter " * 100_000],
    ids=range(6),
)
def test_a_message_is_shown_by_exactly_its_first_100_characters(text: str) -> None:
    event = MessagePosted(
        message_id="m-1", room_id="9", sender_id="zoe", sender_name="Zoë", text=text
    )

    (notification,) = notifications_of(event, audience_of())

    assert notification.message == f"Zoë: {text[:100]}"


def test_in_tenants_that_include_the_actor_every_rule_notifies_them() -> None:
    message = MessagePosted(
        message_id="m-1", room_id="9", sender_id="zoe", sender_name="Zoë", text="-"
    )
    recorded = recorded_event(message)

    (elsewhere,) = notifications_in(react(recorded, RULES, {"umbrella"}))
    (here,) = notifications_in(react(recorded, RULES, {TENANT}))

    assert (excluded_actor(recorded, elsewhere), excluded_actor(recorded, here)) == ("zoe", None)


def test_an_unassigned_technician_loses_the_unread_assignment_and_updates() -> None:
    event = WorkOrderUnassigned(work_order_id="7", technician_id="technician")

    filters = [
        effect.filter
        for effect in react(recorded_event(event), RULES)
        if isinstance(effect, Retract)
    ]

    assert filters == [
        Filter(type=type_, entity="work_order:7", unread=True)
        for type_ in ("work_order.assigned", "work_order.updated")
    ]
