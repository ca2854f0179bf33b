"""Who heard what of a tenant's log, read as a reader must: their own entries, and those of topics while they belong to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable

from tidings.contracts.codec import (
    decode_entry,
    decode_membership,
    decode_notification,
    decode_shared,
)
from tidings.contracts.ids import escape
from tidings.contracts.notifications import Joined, Mark
from tidings.contracts.subjects import NOTIFICATIONS, Member, Person, Topic, owner_of
from tidings.runtime.follow import Message
from tidings.runtime.jetstream import JetStream
from tidings.runtime.read import read


class Heard:
    """What each user was told, in order: the titles; and how many entries it took."""

    def __init__(self) -> None:
        self.titles: dict[str, list[str]] = defaultdict(list)
        self.alone = self.shared = self.memberships = 0
        self._belong: dict[Topic, set[str]] = defaultdict(set)

    def take(self, messages: Iterable[Message]) -> Heard:
        """Take more of the log on."""
        for message in messages:
            self._take(message)
        return self

    def _take(self, message: Message) -> None:
        match owner_of(message.subject):
            case Member(person=person, topic=topic):
                self._member(person, topic, message)
            case Topic() as topic:
                self._shared(topic, message)
            case Person(user=user):
                self._alone(user, message)

    def _member(self, person: Person, topic: Topic, message: Message) -> None:
        self.memberships += 1
        if isinstance(decode_membership(message.data), Joined):
            self._belong[topic].add(person.user)
        else:
            self._belong[topic].discard(person.user)

    def _alone(self, user: str, message: Message) -> None:
        entry = decode_entry(message.data)
        if isinstance(entry, Mark):
            return
        assert entry.user == user
        self.alone += 1
        self.titles[user].append(entry.title)

    def _shared(self, topic: Topic, message: Message) -> None:
        shared = decode_shared(message.data)
        self.shared += 1
        for user in self._belong[topic] - {shared.left_out}:
            self.titles[user].append(decode_notification(shared.notification).title)


async def log_of(jetstream: JetStream, tenant: str, after: int = 0) -> list[Message]:
    """All that lies in people's and topics' logs of a tenant after a sequence, in order."""
    own = [message async for message in _all(jetstream, f"inbox.*.{escape(tenant)}.>", after)]
    members = [message async for message in _all(jetstream, f"member.*.{escape(tenant)}.>", after)]
    return sorted([*own, *members], key=lambda message: message.sequence)


async def _all(jetstream: JetStream, subject: str, after: int) -> AsyncIterator[Message]:
    while page := await read(jetstream, NOTIFICATIONS, subject, after=after):
        for message in page:
            yield message
        after = page[-1].sequence
