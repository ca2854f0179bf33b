"""The tail: a user's entries from the stream itself, for what neither the ring nor Postgres has."""

from __future__ import annotations

from tidings.client.jetstream import JetStream
from tidings.contracts.streams import MARKS_PER_NOTIFICATION
from tidings.contracts.subjects import (
    INBOXES,
    NOTIFICATIONS,
    Person,
    Subjects,
    topic_inbox_subject,
)
from tidings.edge.delivery.ring import Ring
from tidings.edge.delivery.routed_entry import visible_entries
from tidings.projections.inbox.topic_memberships import TopicMemberships
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import next_message, read


class TailReader:
    """Reads page by page, slowly. Every method raises Unavailable."""

    def __init__(
        self, jetstream: JetStream, ring: Ring, subjects: Subjects, notifications_limit: int
    ) -> None:
        self._jetstream = jetstream
        self._ring = ring
        self._subjects = subjects
        self._log_limit_entries = notifications_limit * MARKS_PER_NOTIFICATION

    async def read_entries(
        self, person: Person, memberships: TopicMemberships, after: int
    ) -> tuple[list[StreamMessage], int]:
        """Return the first entries after a sequence, and the sequence up to which these are all.

        Memberships after the sequence are applied to `memberships` first.
        """
        # Taken before the reads: what arrives meanwhile may be missing in some of them.
        reached = self._ring.head
        messages = await self._read_memberships(person, after)
        visible_entries(messages, person, memberships)
        for subject in self._subjects_read(person, memberships, after):
            page = await read(
                self._jetstream, NOTIFICATIONS, subject, after=after, leader_ends=True
            )
            messages += page
            # A replica may lack messages that this edge has followed already: ask the leader.
            if page and await self._has_message_between(subject, page[-1].sequence, reached):
                reached = page[-1].sequence
        visible = visible_entries(messages, person, memberships)
        return [message for message in visible if message.sequence <= reached], reached

    async def may_have_evicted(
        self, person: Person, memberships: TopicMemberships, after: int
    ) -> bool:
        """Return whether a log is full and begins after a sequence: entries may be lost."""
        for subject in self._subjects_read(person, memberships, after):
            first = await read(self._jetstream, NOTIFICATIONS, subject, after=0, limit=1)
            if (
                first
                and first[0].sequence > after + 1
                and first[0].following_count + 1 >= self._log_limit_entries
            ):
                return True
        return False

    async def first_sequence(self) -> int:
        """Return the sequence of the oldest entry of all logs, 0 without one."""
        first = await read(self._jetstream, NOTIFICATIONS, INBOXES, after=0, limit=1)
        return first[0].sequence if first else 0

    async def _read_memberships(self, person: Person, after: int) -> list[StreamMessage]:
        messages: list[StreamMessage] = []
        subject = self._subjects.memberships_subject(person)
        while page := await read(
            self._jetstream, NOTIFICATIONS, subject, after=after, leader_ends=True
        ):
            messages += page
            after = page[-1].sequence
        return messages

    async def _has_message_between(self, subject: str, after: int, until: int) -> bool:
        if after >= until:
            return False
        following = await next_message(self._jetstream, NOTIFICATIONS, subject, after=after)
        return following is not None and following.sequence <= until

    def _subjects_read(
        self, person: Person, memberships: TopicMemberships, after: int
    ) -> tuple[str, ...]:
        own = self._subjects.inbox_subject(person)
        return (own, *map(topic_inbox_subject, memberships.topics_after(after)))
