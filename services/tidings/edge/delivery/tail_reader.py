"""The tail: a user's entries from the stream itself, for what neither the ring nor Postgres has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
from tidings.projections.inbox.inbox_state import InboxState
from tidings.projections.inbox.topic_memberships import TopicMemberships
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import next_message, read
from tidings.runtime.log.state import stream_state


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

        Raises Unavailable also if the leader does not know yet what the ring has.
        """
        # Taken before the reads: what arrives meanwhile may be missing in some of them.
        reached = self._ring.head
        messages = await self._read_memberships(person, after)
        visible_entries(messages, person, memberships)
        subjects = self._subjects_read(person, memberships, after)
        for subject in subjects:
            page = await read(
                self._jetstream, NOTIFICATIONS, subject, after=after, leader_ends=True
            )
            messages += page
            # A replica may lack messages that this edge has followed already: ask the leader.
            if page and await self._has_message_between(subject, page[-1].sequence, reached):
                reached = page[-1].sequence
        await self._check_ring_was_read(subjects, messages, after, reached)
        visible = visible_entries(messages, person, memberships)
        return [message for message in visible if message.sequence <= reached], reached

    async def may_have_evicted(
        self, person: Person, memberships: TopicMemberships, after: int
    ) -> bool:
        """Return whether a log is full and begins after a sequence: entries may be lost."""
        return await self._evicted_up_to(person, memberships, after) > after

    async def check_complete(self, person: Person, state: InboxState, since: int) -> None:
        """Raise Unavailable if the stream lost entries after a sequence that the state needs.

        Many marks of few notifications push notifications out of the stream. Without the rows their
        number is unknown, and a wrong one would be believed.
        """
        lost = await self._evicted_up_to(person, state.memberships, since)
        if lost > since and not state.was_trimmed_after(lost):
            raise Unavailable(
                "the log keeps too few of this person's entries to count them without the rows"
            )

    async def _evicted_up_to(
        self, person: Person, memberships: TopicMemberships, after: int
    ) -> int:
        """Return the sequence up to which entries after another one may be lost; else that one."""
        highest = max(after, await self._lost_up_to(self._subjects.inbox_subject(person)))
        for topic in memberships.topics_after(after):
            lost = await self._lost_up_to(topic_inbox_subject(topic))
            if memberships.covers_any(topic, after, lost):
                highest = max(highest, lost)
        return highest

    async def _lost_up_to(self, subject: str) -> int:
        """Return the sequence up to which entries of a log may be lost, 0 without such."""
        first = await read(self._jetstream, NOTIFICATIONS, subject, after=0, limit=1)
        is_full = first and first[0].following_count + 1 >= self._log_limit_entries
        return first[0].sequence - 1 if is_full else 0

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

    async def _check_ring_was_read(
        self, logs: Sequence[str], messages: Iterable[StreamMessage], after: int, reached: int
    ) -> None:
        """Raise Unavailable if the ring has a newer entry than was read, and the stream too.

        A leader that was suspended answers for a moment as if nothing had been stored since.
        """
        last_read = {message.subject: message.sequence for message in messages}
        newest = {
            message.subject: message.sequence
            for log in logs
            for message in self._ring.entries_after(log, max(after, self._ring.floor)) or ()
            if message.sequence <= reached
        }
        for subject, sequence in newest.items():
            last = last_read.get(subject, after)
            # An entry that is older than the stream's limit of age is in the ring only.
            if last < sequence and (
                (await stream_state(self._jetstream, NOTIFICATIONS)).last_sequence < sequence
                or await self._has_message_between(subject, last, sequence)
            ):
                raise Unavailable("the log's leader does not know its newest entries yet")

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
