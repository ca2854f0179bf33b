"""Subjects: whose log an entry is in is never in doubt, and no id can make it another's."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tidings.contracts import subjects
from tidings.contracts.events import EVENTS
from tidings.contracts.streams import streams
from tidings.contracts.subjects import Member, Person, Topic

TOKENS = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
IDS = st.text(alphabet="ab.*>_/ é\x00", min_size=1) | st.text(min_size=1)
PEOPLE = st.builds(Person, IDS, IDS)
TOPICS = st.builds(Topic, IDS, IDS)
COUNTS = st.integers(1, 256)
SHARED = re.compile(r"inbox\.@\.[A-Za-z0-9_-]+\.@[A-Za-z0-9_-]+\Z")


@given(PEOPLE, COUNTS)
@example(Person("acme", "zoe.*.>@example.org"), 16)
def test_the_subject_of_an_inbox_says_whose_it_is(person: Person, partitions: int) -> None:
    subject = subjects.inbox(person, partitions)

    assert TOKENS.match(subject)
    assert subjects.owner_of(subject) == person


@given(PEOPLE, PEOPLE, COUNTS)
@example(Person("a", "b.c"), Person("a.b", "c"), 1)
@example(Person("a/b", "c"), Person("a", "b/c"), 16)
@example(Person("a_", "b"), Person("a", "_b"), 1)
@example(Person("acme", "u"), Person("umbrella", "u"), 16)
def test_two_people_never_share_an_inbox(one: Person, other: Person, partitions: int) -> None:
    assert (subjects.inbox(one, partitions) == subjects.inbox(other, partitions)) == (one == other)


@given(TOPICS, PEOPLE, COUNTS)
@example(Topic("acme", "tenant#member"), Person("acme", "@tenant#member"), 16)
@example(Topic("acme", "tenant#member"), Person("acme", "@"), 16)
def test_the_log_of_a_topic_says_whose_it_is_and_is_never_a_persons(
    topic: Topic, person: Person, partitions: int
) -> None:
    subject = subjects.shared(topic)

    assert SHARED.match(subject)
    assert subjects.owner_of(subject) == topic
    assert subjects.inbox(person, partitions) != subject


@given(PEOPLE, IDS, COUNTS, st.integers(1, 2**62))
def test_who_belongs_to_a_topic_and_since_when_it_is_one_can_be_read_from_their_subjects(
    person: Person, relation: str, partitions: int, since: int
) -> None:
    topic = Topic(person.tenant, relation)
    member, begun = (
        subjects.member(Member(person, topic), partitions),
        subjects.topic(topic, 3, since),
    )

    assert subjects.owner_of(member) == Member(person, topic)
    assert member.startswith(subjects.members_of(person, partitions).removesuffix("*"))
    assert subjects.since_of(begun) == (topic, since)
    assert begun.startswith(subjects.topics_of(3).removesuffix(">"))


def test_an_edge_for_some_partitions_follows_their_people_and_every_topic() -> None:
    assert subjects.followed() == ("inbox.>", "member.>")
    assert subjects.followed([3, 7]) == (
        "inbox.@.>",
        "inbox.3.>",
        "member.3.>",
        "inbox.7.>",
        "member.7.>",
    )


@given(IDS, IDS, IDS, IDS, COUNTS)
@example("a", "a.b", "c", "c", 1)
@example("a", "*", "c", "c", 1)
def test_the_events_of_a_tenant_are_not_among_those_of_another(
    tenant: str, other: str, entity: str, another: str, partitions: int
) -> None:
    subject = subjects.event(tenant, "task.assigned", entity, partitions)

    assert TOKENS.match(subject)
    assert subject.startswith(subjects.events_prefix(tenant, partitions) + ".")
    assert subject.startswith(subjects.events_prefix(other, partitions) + ".") == (tenant == other)
    assert (subject == subjects.event(other, "task.assigned", another, partitions)) == (
        (tenant, entity) == (other, another)
    )


@given(IDS, COUNTS)
def test_the_partition_of_a_tenant_has_all_of_its_events(tenant: str, partitions: int) -> None:
    found = {
        subjects.event(tenant, shape.type, entity, partitions).split(".")[1]
        for shape in EVENTS
        for entity in (None, "1")
    }

    (number,) = found
    assert 0 <= int(number) < partitions
    assert subjects.events_of(int(number)) == f"events.{number}.>"


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
    assert subjects.event("acme", type_, entity, 16) == subject


def test_each_subject_is_kept_by_one_stream() -> None:
    kept = {stream.name: stream.subjects for stream in streams(partitions=16)}
    spelled = {
        subjects.event("acme", "task.assigned", "1", 16): subjects.EVENTS,
        subjects.inbox(Person("acme", "u-7"), 16): subjects.NOTIFICATIONS,
        subjects.shared(Topic("acme", "tenant#member")): subjects.NOTIFICATIONS,
        subjects.member(
            Member(Person("acme", "u-7"), Topic("acme", "tenant#member")), 16
        ): subjects.NOTIFICATIONS,
        subjects.topic(Topic("acme", "tenant#member"), 3, 42): subjects.NOTIFICATIONS,
        subjects.position("notifier", 3): subjects.NOTIFICATIONS,
        subjects.ticket("0123abcd"): subjects.TICKETS,
        subjects.dead("notifier", 3, 42): subjects.DEAD,
    }

    for subject, stream in spelled.items():
        assert [
            name for name, filters in kept.items() if f"{subject.split('.')[0]}.>" in filters
        ] == [stream]


def test_what_is_published_for_the_moment_is_kept_by_no_stream() -> None:
    kept = [each for stream in streams(partitions=16) for each in stream.subjects]

    for subject in (subjects.PRESENCE, subjects.presence_of("a1"), subjects.signal("acme", 16)):
        assert not [
            each for each in kept if each.partition(".")[0] in (subject.partition(".")[0], "*", ">")
        ]


@given(IDS, COUNTS)
def test_the_subject_of_a_signal_says_which_tenant_it_is_in(tenant: str, partitions: int) -> None:
    subject = subjects.signal(tenant, partitions)

    assert TOKENS.match(subject)
    assert subjects.tenant_of(subject) == tenant
