"""The titles that each user of a tenant receives, read from the log as the edge reads it.

A user receives their own entries, and those of a topic between joining and leaving it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tidings.client.jetstream import JetStream
from tidings.contracts.codec import (
    decode_entry,
    decode_membership,
    decode_notification,
    decode_shared_notification,
)
from tidings.contracts.ids import escape
from tidings.contracts.notifications import Mark, TopicJoined
from tidings.contracts.subjects import NOTIFICATIONS, Member, Person, Topic, owner_of
from tidings.runtime.log.follow import StreamMessage

from tests.streams import read_all


class DeliveredTitles:
    """The titles each user received, in order, and the number of log entries of each kind."""

    def __init__(self) -> None:
        self.titles: dict[str, list[str]] = defaultdict(list)
        self.personal_count = self.topic_count = self.membership_count = 0
        self._belong: dict[Topic, set[str]] = defaultdict(set)

    def add_messages(self, messages: Iterable[StreamMessage]) -> DeliveredTitles:
        """Add messages of the log, in order; return self."""
        for message in messages:
            self._take(message)
        return self

    def _take(self, message: StreamMessage) -> None:
        match owner_of(message.subject):
            case Member(person=person, topic=topic):
                self._member(person, topic, message)
            case Topic() as topic:
                self._shared(topic, message)
            case Person(user=user):
                self._alone(user, message)

    def _member(self, person: Person, topic: Topic, message: StreamMessage) -> None:
        self.membership_count += 1
        if isinstance(decode_membership(message.data), TopicJoined):
            self._belong[topic].add(person.user)
        else:
            self._belong[topic].discard(person.user)

    def _alone(self, user: str, message: StreamMessage) -> None:
        entry = decode_entry(message.data)
        if isinstance(entry, Mark):
            return
        assert entry.user == user
        self.personal_count += 1
        self.titles[user].append(entry.title)

    def _shared(self, topic: Topic, message: StreamMessage) -> None:
        shared = decode_shared_notification(message.data)
        self.topic_count += 1
        for user in self._belong[topic] - {shared.left_out}:
            self.titles[user].append(decode_notification(shared.notification).title)


async def read_tenant_log(jetstream: JetStream, tenant: str, after: int = 0) -> list[StreamMessage]:
    """Return all messages in the logs of a tenant's users and topics after a sequence, in order."""
    own = await read_all(jetstream, NOTIFICATIONS, f"inbox.*.{escape(tenant)}.>", after)
    members = await read_all(jetstream, NOTIFICATIONS, f"member.*.{escape(tenant)}.>", after)
    return sorted([*own, *members], key=lambda message: message.sequence)
