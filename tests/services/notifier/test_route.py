"""Routing: the same event gives the same messages, however often it is routed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tidings.contracts.codec import decode_entry, decode_recorded_event, encode
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.ids import NOTIFICATION_NAMESPACE
from tidings.contracts.messages import NewMessage
from tidings.contracts.notifications import Notification
from tidings.contracts.relations import UserSet
from tidings.contracts.subjects import Person, Subjects
from tidings.domains import RULES
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.volunteers.events import TaskCompleted
from tidings.notifier.audience.audience import Audience
from tidings.notifier.partition.routing import audience_query, messages, react
from tidings.notifier.rendering.notification import BLANK_ID

from tests.services.notifier.facts import (
    MEMBERS,
    TENANT,
    TEXTS,
    audience_of,
    event_body,
    no_topics,
    recorded_event,
)

SUBJECTS = Subjects(16)
COMPLETED = TaskCompleted(task_id="456", task_title="Water the seedlings", project_id="789")
TEXT = st.text() | st.text(alphabet='"user:id{}\\\n,- 0é')
NASTY = f'"id":"{BLANK_ID}","user":"","user":"'
IDS = (
    st.text(min_size=1, max_size=30)
    .map(str.strip)
    .filter(lambda text: text.isprintable() and text != "")
)


def route_event(event: AnyRecordedEvent, audience: Audience | None = None) -> list[NewMessage]:
    effects = react(event, RULES)
    return list(messages(event, effects, audience or audience_of(), no_topics(), SUBJECTS, TEXTS))


def decode_draft(draft: NewMessage) -> Notification:
    entry = decode_entry(draft.data)
    assert isinstance(entry, Notification)
    return entry


def make_announcement(**fields: Any) -> AnnouncementPublished:
    return AnnouncementPublished(
        **{"title": "-", "message": "-", "to": Addressees(users=("u-7",)), **fields}
    )


@given(st.permutations(list(MEMBERS)), st.randoms())
def test_the_same_event_gives_the_same_messages_in_the_same_order(
    order: list[UserSet], random: Any
) -> None:
    first = route_event(recorded_event(COMPLETED))
    shuffled_members = {of: random.sample(MEMBERS[of], len(MEMBERS[of])) for of in order}

    again = route_event(recorded_event(COMPLETED), audience_of(shuffled_members))

    assert again == first
    assert len({decode_draft(draft).id for draft in first}) == len(first) == 5


def test_the_id_of_a_notification_is_made_of_event_rule_and_recipient() -> None:
    for draft in route_event(recorded_event(COMPLETED)):
        user = decode_draft(draft).user

        assert decode_draft(draft).id == str(
            uuid5(NOTIFICATION_NAMESPACE, f"acme//tests/fact-1 task_completed {user}")
        )


def test_events_that_differ_in_tenant_source_or_id_give_different_ids() -> None:
    event = make_announcement()
    facts = [
        recorded_event(event),
        recorded_event(event, identifier="fact-2"),
        recorded_event(event, tenant="umbrella"),
        recorded_event(event, source="/elsewhere"),
    ]

    ids = {decode_draft(draft).id for fact in facts for draft in route_event(fact)}

    assert len(ids) == len(facts)


@given(
    title=TEXT,
    message=TEXT,
    user=IDS,
    actor=IDS,
    extra_data=st.dictionaries(TEXT, TEXT | st.integers() | st.none()),
)
@example(
    title=NASTY,
    message=NASTY,
    user='","user":"',
    actor='"user":""',
    extra_data={NASTY: NASTY, "id": BLANK_ID, "user": ""},
)
def test_every_message_has_the_text_data_and_recipient_of_its_event(
    title: str, message: str, user: str, actor: str, extra_data: dict[str, Any]
) -> None:
    to = {"users": [user, "u-8"]}
    data = {
        **extra_data,
        "title": title,
        "message": message,
        "to": to,
        "priority": "normal",
        "expires_at": None,
        "entity_url": None,
    }
    event = decode_recorded_event(
        encode(
            {**msgspec.json.decode(event_body(make_announcement())), "actor": actor, "data": data}
        ),
        1,
        1,
    )

    drafts = route_event(event)

    assert sorted(decode_draft(draft).user for draft in drafts) == sorted({user, "u-8"})
    for draft in drafts:
        notification = decode_draft(draft)
        assert draft.subject == SUBJECTS.inbox_subject(Person(TENANT, notification.user))
        assert notification.id == str(
            uuid5(NOTIFICATION_NAMESPACE, f"acme//tests/fact-1 announced {notification.user}")
        )
        assert (notification.message, notification.actor, notification.tenant) == (
            message,
            actor,
            TENANT,
        )
        assert msgspec.json.decode(notification.data) == {
            name: value for name, value in data.items() if name not in ("to", "title", "message")
        }


@pytest.mark.parametrize(
    ("length", "shown_length"), [(0, 0), (149, 149), (150, 150), (151, 150), (10_000, 150)]
)
def test_a_title_has_150_characters_at_most(length: int, shown_length: int) -> None:
    title = "é" * length

    (draft,) = route_event(recorded_event(make_announcement(title=title)))

    shown_title = decode_draft(draft).title
    assert len(shown_title) == shown_length
    assert shown_title == title if length <= 150 else shown_title == title[:149] + "…"


def test_a_notification_has_the_times_of_its_creation_and_of_its_event() -> None:
    (draft,) = route_event(recorded_event(make_announcement(), time="2026-01-01T12:00:00+01:00"))

    assert decode_draft(draft).created == datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert decode_draft(draft).occurred == datetime(2026, 1, 1, 11, tzinfo=UTC)


def test_a_notification_does_not_contain_the_other_recipients() -> None:
    event = make_announcement(to=Addressees(users=("u-7", "secret"), relation="project:789#member"))

    drafts = route_event(recorded_event(event))

    assert len(drafts) == 4
    assert not any(
        b"secret" in draft.data for draft in drafts if decode_draft(draft).user != "secret"
    )


@pytest.mark.parametrize("event", [make_announcement(), COMPLETED], ids=lambda event: event.type)
def test_a_message_is_one_line_for_any_formatting_of_the_event(event: Any) -> None:
    nested = event_body(event).replace(b'"data":{', b'"data":{"more":[{"a":1}],')
    formatted = msgspec.json.format(nested, indent=2).replace(b"\n", b"\r\n")

    drafts = route_event(decode_recorded_event(formatted, 1, 1))

    assert drafts
    assert [decode_draft(draft).id for draft in drafts] == [
        decode_draft(draft).id for draft in route_event(recorded_event(event))
    ]
    assert not any(b"\n" in draft.data or b"\r" in draft.data for draft in drafts)


def test_only_the_relations_of_the_rules_are_queried() -> None:
    event = recorded_event(COMPLETED)

    query = audience_query([(event, react(event, RULES))], no_topics())

    relations = [
        {"tenant": TENANT, "object": "task:456", "relation": name}
        for name in ("assignee", "volunteer", "watcher")
    ]
    relations.append({"tenant": TENANT, "object": "project:789", "relation": "manager"})
    parameters = query.sql_parameters(1, 2)
    assert msgspec.json.decode(parameters["relations"]) == [
        {**relation, "translated": True} for relation in relations
    ]
    assert parameters["users"] == "[]"


def test_no_locale_is_queried_for_text_written_by_a_person() -> None:
    event = recorded_event(make_announcement())

    assert not audience_query([(event, react(event, RULES))], no_topics())
