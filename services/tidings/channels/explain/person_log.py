"""The log of a person: the entries of their inbox, those of topics included, and deliveries."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import NamedTuple

import msgspec
from tidings.client.jetstream import JetStream
from tidings.contracts.codec import (
    decode_entry,
    decode_membership,
    decode_notification,
    decode_shared_notification,
    instant,
)
from tidings.contracts.deliveries import DeliveryEntry, decode_delivery_entry
from tidings.contracts.notifications import Entry
from tidings.contracts.subjects import (
    NOTIFICATIONS,
    Member,
    Person,
    Subjects,
    Topic,
    owner_of,
    topic_inbox_subject,
)
from tidings.projections.inbox.topic_memberships import TopicMemberships
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import read


class DeliveryMessage(NamedTuple):
    """An entry about a person's deliveries, and when it was appended."""

    sequence: int
    appended: datetime
    entry: DeliveryEntry


class InboxMessage(NamedTuple):
    """An entry of a person's inbox; `time_nanoseconds`: when it was appended."""

    sequence: int
    time_nanoseconds: int
    entry: Entry


class PersonLog(NamedTuple):
    """All that the log still has of a person, in its order."""

    person: Person
    inbox: tuple[InboxMessage, ...]
    deliveries: tuple[DeliveryMessage, ...]


async def read_person_log(jetstream: JetStream, subjects: Subjects, person: Person) -> PersonLog:
    """Read what the log has of a person; raises Unavailable."""
    deliveries = [
        DeliveryMessage(
            message.sequence,
            instant(message.time_nanoseconds),
            decode_delivery_entry(message.data),
        )
        async for message in _messages(jetstream, subjects.delivery_subject(person))
    ]
    inbox = [
        InboxMessage(message.sequence, message.time_nanoseconds, decode_entry(message.data))
        async for message in _messages(jetstream, subjects.inbox_subject(person))
    ]
    memberships = await _read_memberships(jetstream, subjects, person)
    for topic in memberships.topics:
        inbox += await _read_topic(jetstream, person, topic, memberships)
    return PersonLog(person, tuple(sorted(inbox, key=_sequence)), tuple(deliveries))


async def _read_memberships(
    jetstream: JetStream, subjects: Subjects, person: Person
) -> TopicMemberships:
    memberships = TopicMemberships()
    async for message in _messages(jetstream, subjects.memberships_subject(person)):
        member = owner_of(message.subject)
        if isinstance(member, Member):
            memberships.apply_membership(
                member.topic, decode_membership(message.data), message.sequence
            )
    return memberships


async def _read_topic(
    jetstream: JetStream, person: Person, topic: Topic, memberships: TopicMemberships
) -> list[InboxMessage]:
    """Read the entries of a topic's log that belong to a person."""
    found = list[InboxMessage]()
    async for message in _messages(jetstream, topic_inbox_subject(topic)):
        shared = decode_shared_notification(message.data)
        if memberships.covers(topic, message.sequence) and shared.left_out != person.user:
            notification = msgspec.structs.replace(
                decode_notification(bytes(shared.notification)), user=person.user
            )
            found.append(InboxMessage(message.sequence, message.time_nanoseconds, notification))
    return found


async def _messages(jetstream: JetStream, subject: str) -> AsyncGenerator[StreamMessage]:
    after = 0
    while page := await read(jetstream, NOTIFICATIONS, subject, after=after, leader_ends=True):
        for message in page:
            yield message
        after = page[-1].sequence


def _sequence(message: InboxMessage) -> int:
    return message.sequence
