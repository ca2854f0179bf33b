"""Subjects: every subject of an entry has one owner, and no id can make it another's."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tidings.contracts import subjects
from tidings.contracts.streams import stream_definitions
from tidings.contracts.subjects import Member, Person, Subjects, Topic
from tidings.domains import EVENTS

TOKENS = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
IDS = st.text(alphabet="ab.*>_/ é\x00", min_size=1) | st.text(min_size=1)
PEOPLE = st.builds(Person, IDS, IDS)
TOPICS = st.builds(Topic, IDS, IDS)
COUNTS = st.integers(1, 256)
SUBJECTS = Subjects(16)
SHARED = re.compile(r"inbox\.@\.[A-Za-z0-9_-]+\.@[A-Za-z0-9_-]+\Z")


@given(PEOPLE, COUNTS)
@example(Person("acme", "zoe.*.>@example.org"), 16)
def test_the_subject_of_an_inbox_contains_its_owner(person: Person, partitions: int) -> None:
    subject = Subjects(partitions).inbox_subject(person)

    assert TOKENS.match(subject)
    assert subjects.owner_of(subject) == person


@given(PEOPLE, PEOPLE, COUNTS)
@example(Person("a", "b.c"), Person("a.b", "c"), 1)
@example(Person("a/b", "c"), Person("a", "b/c"), 16)
@example(Person("a_", "b"), Person("a", "_b"), 1)
@example(Person("acme", "u"), Person("umbrella", "u"), 16)
def test_two_people_never_share_an_inbox(one: Person, other: Person, partitions: int) -> None:
    those = Subjects(partitions)
    one_subject, other_subject = map(those.inbox_subject, (one, other))
    assert (one_subject == other_subject) == (one == other)


@given(TOPICS, PEOPLE, COUNTS)
@example(Topic("acme", "tenant#member"), Person("acme", "@tenant#member"), 16)
@example(Topic("acme", "tenant#member"), Person("acme", "@"), 16)
def test_the_subject_of_a_topic_contains_the_topic_and_is_never_a_persons(
    topic: Topic, person: Person, partitions: int
) -> None:
    subject = subjects.topic_inbox_subject(topic)

    assert SHARED.match(subject)
    assert subjects.owner_of(subject) == topic
    assert Subjects(partitions).inbox_subject(person) != subject


@given(PEOPLE, IDS, COUNTS, st.integers(1, 2**62))
def test_member_and_topic_subjects_can_be_parsed(
    person: Person, relation: str, partitions: int, since: int
) -> None:
    topic = Topic(person.tenant, relation)
    member, topic_subject = (
        Subjects(partitions).member_subject(Member(person, topic)),
        subjects.topic_subject(topic, 3, since),
    )

    assert subjects.owner_of(member) == Member(person, topic)
    assert member.startswith(Subjects(partitions).memberships_subject(person).removesuffix("*"))
    assert subjects.parse_topic_subject(topic_subject) == (topic, since)
    assert topic_subject.startswith(subjects.partition_topics_subject(3).removesuffix(">"))


def test_an_edge_for_some_partitions_follows_their_people_and_every_topic() -> None:
    assert subjects.followed_subjects() == ("inbox.>", "member.>")
    assert subjects.followed_subjects([3, 7]) == (
        "inbox.@.>",
        "inbox.3.>",
        "member.3.>",
        "inbox.7.>",
        "member.7.>",
    )


@given(IDS, IDS, IDS, IDS, COUNTS)
@example("a", "a.b", "c", "c", 1)
@example("a", "*", "c", "c", 1)
def test_the_events_of_two_tenants_have_different_subjects(
    tenant: str, other: str, entity: str, another: str, partitions: int
) -> None:
    subject = Subjects(partitions).event_subject(tenant, "task.assigned", entity)

    assert TOKENS.match(subject)
    assert subject.startswith(Subjects(partitions).event_prefix(tenant) + ".")
    assert subject.startswith(Subjects(partitions).event_prefix(other) + ".") == (tenant == other)
    assert (subject == Subjects(partitions).event_subject(other, "task.assigned", another)) == (
        (tenant, entity) == (other, another)
    )


@given(IDS, COUNTS)
def test_the_partition_of_a_tenant_has_all_of_its_events(tenant: str, partitions: int) -> None:
    numbers = {
        Subjects(partitions).event_subject(tenant, shape.type, entity).split(".")[1]
        for shape in EVENTS
        for entity in (None, "1")
    }

    (number,) = numbers
    assert 0 <= int(number) < partitions
    assert subjects.partition_events_subject(int(number)) == f"events.{number}.>"


@pytest.mark.parametrize(
    ("type_", "entity", "subject"),
    [
        ("task.assigned", "456", "events.14.acme.task.456.assigned"),
        ("task.status_changed", "a.b", "events.14.acme.task.a_2eb.status_5fchanged"),
        ("sync.conflict.detected", None, "events.14.acme.sync._.conflict_2edetected"),
        ("heartbeat", "_", "events.14.acme.heartbeat._5f._"),
    ],
)
def test_an_event_has_the_subject_it_always_had(
    type_: str, entity: str | None, subject: str
) -> None:
    assert SUBJECTS.event_subject("acme", type_, entity) == subject


def test_each_subject_is_stored_by_one_stream() -> None:
    filters_of = {stream.name: stream.subjects for stream in stream_definitions(partitions=16)}
    stream_of = {
        SUBJECTS.event_subject("acme", "task.assigned", "1"): subjects.EVENTS,
        SUBJECTS.inbox_subject(Person("acme", "u-7")): subjects.NOTIFICATIONS,
        subjects.topic_inbox_subject(Topic("acme", "tenant#member")): subjects.NOTIFICATIONS,
        SUBJECTS.member_subject(
            Member(Person("acme", "u-7"), Topic("acme", "tenant#member"))
        ): subjects.NOTIFICATIONS,
        subjects.topic_subject(Topic("acme", "tenant#member"), 3, 42): subjects.NOTIFICATIONS,
        SUBJECTS.delivery_subject(Person("acme", "u-7")): subjects.NOTIFICATIONS,
        subjects.position_subject("notifier", 3): subjects.NOTIFICATIONS,
        subjects.ticket_subject("0123abcd"): subjects.TICKETS,
        subjects.dead_letter_subject("notifier", 3, 42): subjects.DEAD_LETTERS,
    }

    for subject, stream in stream_of.items():
        assert [
            name for name, filters in filters_of.items() if f"{subject.split('.')[0]}.>" in filters
        ] == [stream]


def test_no_stream_stores_transient_messages() -> None:
    filters = [
        subject for stream in stream_definitions(partitions=16) for subject in stream.subjects
    ]

    transient = (
        subjects.PRESENCE,
        subjects.presence_subject("a1"),
        SUBJECTS.signal_subject("acme"),
    )
    for subject in transient:
        assert not [
            filter_
            for filter_ in filters
            if filter_.partition(".")[0] in (subject.partition(".")[0], "*", ">")
        ]


@given(IDS, COUNTS)
def test_the_subject_of_a_signal_contains_its_tenant(tenant: str, partitions: int) -> None:
    subject = Subjects(partitions).signal_subject(tenant)

    assert TOKENS.match(subject)
    assert subjects.signal_tenant(subject) == tenant
