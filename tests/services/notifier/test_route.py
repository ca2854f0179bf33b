"""Routing: the same fact gives the same messages, however often and by whomever it is routed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tidings.contracts import events
from tidings.contracts.codec import decode_entry, encode, recorded
from tidings.contracts.events import AnyRecorded
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.ids import NOTIFICATIONS
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person, inbox
from tidings.notifier.audience import Asked, Folded
from tidings.notifier.route import NIL, asks, drafts, react
from tidings.notifier.rule import Relation
from tidings.notifier.rules import RULES
from tidings.runtime.append import Draft

from tests.services.notifier.facts import STANDS, TENANT, body, fact, folded, nothing_shared

PARTITIONS = 16
COMPLETED = events.TaskCompleted(task_id="456", task_title="Water the seedlings", project_id="789")
TEXT = st.text() | st.text(alphabet='"user:id{}\\\n,- 0é')
NASTY = f'"id":"{NIL}","user":"","user":"'
IDS = (
    st.text(min_size=1, max_size=30)
    .map(str.strip)
    .filter(lambda text: text.isprintable() and text != "")
)


def routed(event: AnyRecorded, known: Folded | None = None) -> list[Draft]:
    return list(drafts(event, react(event, RULES), known or folded(), nothing_shared(), PARTITIONS))


def said(draft: Draft) -> Notification:
    entry = decode_entry(draft.data)
    assert isinstance(entry, Notification)
    return entry


def announcement(**changed: Any) -> events.AnnouncementPublished:
    return events.AnnouncementPublished(
        **{"title": "-", "message": "-", "to": Addressees(users=("u-7",)), **changed}
    )


@given(st.permutations(list(STANDS)), st.randoms())
def test_the_same_fact_gives_the_same_messages_in_the_same_order(
    order: list[Relation], random: Any
) -> None:
    once = routed(fact(COMPLETED))
    shuffled = {of: random.sample(STANDS[of], len(STANDS[of])) for of in order}

    again = routed(fact(COMPLETED), folded(shuffled))

    assert again == once
    assert len({said(draft).id for draft in once}) == len(once) == 5


def test_a_notification_has_the_id_of_its_fact_its_rule_and_its_recipient() -> None:
    for draft in routed(fact(COMPLETED)):
        user = said(draft).user

        assert said(draft).id == str(
            uuid5(NOTIFICATIONS, f"acme//tests/fact-1 task_completed {user}")
        )


def test_facts_that_differ_in_tenant_source_or_id_are_told_under_other_ids() -> None:
    event = announcement()
    facts = [
        fact(event),
        fact(event, identifier="fact-2"),
        fact(event, tenant="umbrella"),
        fact(event, source="/elsewhere"),
    ]

    ids = {said(draft).id for one in facts for draft in routed(one)}

    assert len(ids) == len(facts)


@given(
    title=TEXT,
    message=TEXT,
    user=IDS,
    actor=IDS,
    more=st.dictionaries(TEXT, TEXT | st.integers() | st.none()),
)
@example(
    title=NASTY,
    message=NASTY,
    user='","user":"',
    actor='"user":""',
    more={NASTY: NASTY, "id": NIL, "user": ""},
)
def test_every_message_says_what_it_should_to_whom_it_should(
    title: str, message: str, user: str, actor: str, more: dict[str, Any]
) -> None:
    to = {"users": [user, "u-8"]}
    data = {
        **more,
        "title": title,
        "message": message,
        "to": to,
        "priority": "normal",
        "expires_at": None,
        "entity_url": None,
    }
    one = recorded(
        encode({**msgspec.json.decode(body(announcement())), "actor": actor, "data": data}), 1, 1
    )

    found = routed(one)

    assert sorted(said(draft).user for draft in found) == sorted({user, "u-8"})
    for draft in found:
        notification = said(draft)
        assert draft.subject == inbox(Person(TENANT, notification.user), PARTITIONS)
        assert notification.id == str(
            uuid5(NOTIFICATIONS, f"acme//tests/fact-1 announced {notification.user}")
        )
        assert (notification.message, notification.actor, notification.tenant) == (
            message,
            actor,
            TENANT,
        )
        assert msgspec.json.decode(notification.data) == {
            name: value for name, value in data.items() if name != "to"
        }


@pytest.mark.parametrize(
    ("length", "shown"), [(0, 0), (149, 149), (150, 150), (151, 150), (10_000, 150)]
)
def test_a_title_has_150_characters_at_most(length: int, shown: int) -> None:
    title = "é" * length

    (draft,) = routed(fact(announcement(title=title)))

    found = said(draft).title
    assert len(found) == shown
    assert found == title if length <= 150 else found == title[:149] + "…"


def test_a_notification_knows_when_it_was_made_and_when_the_fact_was() -> None:
    (draft,) = routed(fact(announcement(), time="2026-01-01T12:00:00+01:00"))

    assert said(draft).created == datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert said(draft).occurred == datetime(2026, 1, 1, 11, tzinfo=UTC)


def test_nobody_is_shown_who_else_an_announcement_was_for() -> None:
    event = announcement(to=Addressees(users=("u-7", "secret"), relation="project:789#member"))

    found = routed(fact(event))

    assert len(found) == 4
    assert not any(b"secret" in draft.data for draft in found if said(draft).user != "secret")


@pytest.mark.parametrize("event", [announcement(), COMPLETED], ids=lambda event: event.type)
def test_a_message_is_one_line_however_the_fact_was_laid_out(event: Any) -> None:
    deep = body(event).replace(b'"data":{', b'"data":{"more":[{"a":1}],')
    laid_out = msgspec.json.format(deep, indent=2).replace(b"\n", b"\r\n")

    found = routed(recorded(laid_out, 1, 1))

    assert found
    assert [said(draft).id for draft in found] == [said(draft).id for draft in routed(fact(event))]
    assert not any(b"\n" in draft.data or b"\r" in draft.data for draft in found)


def test_only_the_relations_that_a_rule_names_are_asked_for() -> None:
    one = fact(COMPLETED)

    asked = Asked()
    asks(one, react(one, RULES), nothing_shared(), asked)

    relations = [
        {"tenant": TENANT, "object": "task:456", "relation": name}
        for name in ("assignee", "volunteer", "watcher")
    ]
    relations.append({"tenant": TENANT, "object": "project:789", "relation": "manager"})
    found = asked.parameters(1, 2)
    assert msgspec.json.decode(found[0]) == [
        {**relation, "translated": True} for relation in relations
    ]
    assert found[3] == "[]"


def test_nobody_is_asked_what_they_speak_for_words_that_somebody_wrote() -> None:
    asked = Asked()

    asks(fact(announcement()), react(fact(announcement()), RULES), nothing_shared(), asked)

    assert not asked
