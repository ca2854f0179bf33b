"""Topics: relations so large that their members share a log instead of one message each."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from tidings.client.jetstream import JetStream
from tidings.contracts.codec import encode
from tidings.contracts.copies import SMALL_COPY_BYTES, copies_limit, copy_bytes
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.ids import escape
from tidings.contracts.messages import NewMessage
from tidings.contracts.notifications import TopicJoined, TopicLeft
from tidings.contracts.relations import (
    ObjectDeleted,
    Relation,
    RelationOpened,
    UserSet,
    parse_relation,
)
from tidings.contracts.rules import Tell
from tidings.contracts.subjects import (
    NOTIFICATIONS,
    Member,
    Person,
    Subjects,
    Topic,
    parse_topic_subject,
    partition_topics_subject,
    topic_subject,
)
from tidings.notifier.audience.audience import Audience
from tidings.projections.relations import relation_changes
from tidings.runtime.log.position import NEVER_EXPIRES
from tidings.runtime.log.read import stream_subjects

TOPIC_NAME_LIMIT_CHARACTERS = 256
"""A relation whose name is longer in a subject, or ambiguous, never becomes a topic."""

JOINED, LEFT = encode(TopicJoined()), encode(TopicLeft())


class Topics:
    """The topics of one partition of `EVENTS`, each since an event; a topic stays one for ever.

    The first output of the event that makes a relation a topic says so. So a process that routes
    the event again writes the same outputs, even if the limit has changed.
    """

    def __init__(self, number: int, limit: int, since: dict[Topic, int]) -> None:
        self._number = number
        self._limit = limit
        self._since = since
        self._of_tenant: dict[str, list[Topic]] = defaultdict(list)
        for each in sorted(since):
            self._of_tenant[each.tenant].append(each)

    def relations_to_query(self, recorded: AnyRecordedEvent, tell: Tell) -> tuple[UserSet, ...]:
        """Return the recipient relations, direct or through a link, to query the members of."""
        sole = _sole_relation(tell)
        if (
            sole
            and self._since.get(_topic_for(recorded, sole), recorded.sequence) < recorded.sequence
        ):
            return ()
        return tuple(each for each in tell.to if not isinstance(each, str))

    def ending_relations(self, recorded: AnyRecordedEvent) -> tuple[Relation, ...]:
        """Return the topics' relations that end with an event, whose members must be queried."""
        topics = self._of_tenant.get(recorded.tenant)
        if not topics:
            return ()
        deleted = {
            change.object
            for change in relation_changes(recorded)
            if isinstance(change, ObjectDeleted)
        }
        if not deleted:
            return ()
        ended = (parse_relation(topic_.relation) for topic_ in topics)
        return tuple(relation for relation in ended if relation.object in deleted)

    def create_topics(
        self, recorded: AnyRecordedEvent, tells: Iterable[Tell], audience: Audience
    ) -> None:
        """Make topics of recipient relations with too many members, or too many for large copies.

        Call it for each event in order: an event's outputs depend on the topics before it.
        """
        for tell in tells:
            sole = _sole_relation(tell)
            candidate = _topic_for(recorded, sole) if sole else None
            if (
                sole
                and candidate
                and candidate not in self._since
                and audience.has_more_members_than(
                    recorded, sole, self._members_limit(recorded, tell)
                )
                and _fits_in_subject(sole)
            ):
                self._since[candidate] = recorded.sequence
                insort(self._of_tenant[candidate.tenant], candidate)

    def _members_limit(self, recorded: AnyRecordedEvent, tell: Tell) -> int:
        """Return the number of members that may get copies of a notification."""
        if len(recorded.attributes.data) <= SMALL_COPY_BYTES:
            return self._limit
        limit = copies_limit(copy_bytes(recorded, tell))
        return self._limit if limit is None else min(self._limit, limit)

    def topic_of(self, recorded: AnyRecordedEvent, tell: Tell) -> Topic | None:
        """Return the topic that stands for a tell's recipients at the event, None without one."""
        sole = _sole_relation(tell)
        candidate = _topic_for(recorded, sole) if sole else None
        return (
            candidate
            if candidate and self._since.get(candidate, recorded.sequence + 1) <= recorded.sequence
            else None
        )

    def messages(
        self, recorded: AnyRecordedEvent, audience: Audience, subjects: Subjects
    ) -> Iterator[NewMessage]:
        """Return the messages about topics: the new ones, and who joins or leaves one."""
        topics = self._of_tenant.get(recorded.tenant)
        if not topics:
            return iter(())
        new = [each for each in topics if self._since[each] == recorded.sequence]
        old = [each for each in topics if self._since[each] < recorded.sequence]
        creations = (self._creation_messages(each, recorded, audience, subjects) for each in new)
        return chain(
            chain.from_iterable(creations), _membership_changes(recorded, old, audience, subjects)
        )

    def _creation_messages(
        self, created: Topic, recorded: AnyRecordedEvent, audience: Audience, subjects: Subjects
    ) -> Iterator[NewMessage]:
        yield NewMessage(
            topic_subject(created, self._number, recorded.sequence), b"", headers=NEVER_EXPIRES
        )
        for user in sorted(audience.members(recorded, parse_relation(created.relation))):
            yield _membership_message(user, created, JOINED, subjects)


async def read_topics(jetstream: JetStream, number: int, limit: int, *, at_least: int) -> Topics:
    """Read the topics of a partition, which only its leader may use; raises Unavailable.

    `at_least`: the sequence of the leader's takeover; all topics before it are read.
    """
    subject = partition_topics_subject(number)
    return Topics(
        number,
        limit,
        dict(
            map(
                parse_topic_subject,
                await stream_subjects(jetstream, NOTIFICATIONS, subject, at_least=at_least),
            )
        ),
    )


def _membership_changes(
    recorded: AnyRecordedEvent, topics: Sequence[Topic], audience: Audience, subjects: Subjects
) -> Iterator[NewMessage]:
    """Return the joining and leaving of topics by an event; repeating one changes nothing."""
    for change in relation_changes(recorded) if topics else ():
        for each in topics:
            of = parse_relation(each.relation)
            if change.object in (None, of.object) and change.relation in (None, of.name):
                users = (
                    sorted(audience.members(recorded, of, before=True))
                    if change.user is None
                    else (change.user,)
                )
                yield from (
                    _membership_message(
                        user,
                        each,
                        JOINED if isinstance(change, RelationOpened) else LEFT,
                        subjects,
                    )
                    for user in users
                )


def _membership_message(user: str, of: Topic, body: bytes, subjects: Subjects) -> NewMessage:
    return NewMessage(
        subjects.member_subject(Member(Person(of.tenant, user), of)), body, headers=NEVER_EXPIRES
    )


def _sole_relation(tell: Tell) -> Relation | None:
    """Return the only recipient relation, None if a topic cannot stand for the recipients.

    With two relations, a user in both would be notified twice; a group differs from user to user;
    members of just before the event have left the topic when the message comes; and a relation
    through a link has other members when the link changes, and the topic gets no message of that.
    """
    only = (
        tell.to[0]
        if len(set(tell.to)) == 1 and not tell.accumulates and not tell.as_of_previous
        else None
    )
    return only if isinstance(only, Relation) else None


def _topic_for(recorded: AnyRecordedEvent, told: Relation) -> Topic:
    return Topic(recorded.tenant, str(told))


def _fits_in_subject(told: Relation) -> bool:
    text = str(told)
    return len(escape(text)) <= TOPIC_NAME_LIMIT_CHARACTERS and text.count("#") == 1
