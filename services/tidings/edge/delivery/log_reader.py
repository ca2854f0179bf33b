"""The log reader: a user's log from the ring, else from Postgres, else from the stream's tail."""

from __future__ import annotations

import time
from datetime import timedelta

from tidings.contracts.codec import decode_entry, encode
from tidings.contracts.cursor import Cursor, personal_epoch
from tidings.contracts.frames import ResetReason
from tidings.contracts.notifications import Notification
from tidings.contracts.streams import MARKS_PER_NOTIFICATION
from tidings.contracts.subjects import NOTIFICATIONS, Person, topic_inbox_subject
from tidings.edge.delivery import frames
from tidings.edge.delivery.entry_frames import apply_entries, entries_frame
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.inbox_queries import InboxPage, InboxQueries, InboxQuery, ListFilter
from tidings.edge.delivery.known_inboxes import KnownInboxes
from tidings.edge.delivery.ring import Ring
from tidings.edge.delivery.routed_entry import visible_entries
from tidings.edge.delivery.row_frames import changed_rows_frame, encode_rows, has_changes_after
from tidings.edge.delivery.tail_reader import TailReader
from tidings.edge.delivery.tenants_with_topics import TenantsWithTopics
from tidings.projections.inbox.inbox_state import InboxState
from tidings.projections.inbox.topic_memberships import TopicMemberships
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime

HEAD = 2**62
APPLIED_AT_ONCE_LIMIT_ENTRIES = 200
"""More entries would hold up all other users while they are applied; a query has their result."""


class Unreplayable(Exception):
    """A cursor cannot be replayed; `reason` says why."""

    def __init__(self, reason: ResetReason) -> None:
        super().__init__(reason)
        self.reason: ResetReason = reason


class LogReader:
    """Reads the logs of users, up to where this edge has followed them."""

    def __init__(self, runtime: Runtime, ring: Ring) -> None:
        settings = runtime.settings
        self._jetstream = runtime.jetstream
        self._subjects = settings.subjects
        self._retention = timedelta(days=settings.retention_days)
        self._limit = settings.notifications_per_user
        self._queries = InboxQueries(
            runtime.postgres, runtime.epochs[NOTIFICATIONS], self._retention, self._limit
        )
        self._snapshot_rows = settings.snapshot_limit
        self.epoch = runtime.epochs[NOTIFICATIONS]
        self.ring = ring
        self.tenants_with_topics = TenantsWithTopics()
        self._tail = TailReader(runtime.jetstream, ring, settings.subjects, self._limit)
        self._known_inboxes = KnownInboxes(
            ring,
            self.tenants_with_topics,
            self._empty_state,
            self._limit * MARKS_PER_NOTIFICATION,
        )

    def subject_of(self, person: Person) -> str:
        """Return the subject of a user's log."""
        return self._subjects.inbox_subject(person)

    def epoch_of(self, person: Person) -> str:
        """Return the epoch in the cursors of a person's log."""
        return personal_epoch(self.epoch, person)

    async def check_cursor(self, cursor: Cursor, person: Person) -> Cursor:
        """Return the cursor; raises Unreplayable if it is of another log or ahead of this one."""
        if not cursor.is_of(self.epoch_of(person)):
            raise Unreplayable("epoch")
        if (
            cursor.highest_sequence > self.ring.reached
            and cursor.highest_sequence
            > (await stream_state(self._jetstream, NOTIFICATIONS)).last_sequence
        ):
            raise Unreplayable("ahead")
        return cursor

    def keep_inbox(self, person: Person, state: InboxState) -> None:
        """Keep the state of a user who has left; it has all entries up to the ring's head."""
        self._known_inboxes.keep_inbox(self.subject_of(person), state)

    def known_inbox(self, person: Person) -> InboxState | None:
        """Return the state of a user's inbox at the ring's head, None if it takes a query."""
        state = self._known_inboxes.take_inbox(person, self.subject_of(person))
        if state is None:
            return None
        recent = self.recent_entries(person, state.memberships, state.sequence) or []
        if len(recent) > APPLIED_AT_ONCE_LIMIT_ENTRIES:
            return None
        apply_entries(state, recent)
        return state

    async def read_inbox(self, person: Person) -> InboxState:
        """Return the state of a user's inbox at the ring's head; raises Unavailable."""
        try:
            query = InboxQuery(person, Cursor(self.epoch, HEAD))
            state = self._state_of(await self._queries.read_inbox(query))
        except Unavailable:
            state = self._empty_state()
        return await self._catch_up(person, state)

    async def read_inbox_after(
        self, person: Person, after: Cursor | None
    ) -> tuple[InboxState, EncodedFrame | None]:
        """Return the state of a user's inbox at the ring's head, and the next frame after a cursor.

        The frame comes from the rows, which one query reads with the state. It is None where it has
        to come from elsewhere: `next_frame` tells. Raises Unavailable.
        """
        if after is None or (after.sequence >= self.ring.floor and not after.until):
            return await self.read_inbox(person), None
        try:
            page = await self._queries.read_inbox(InboxQuery(person, after))
        except Unavailable:
            return await self._catch_up(person, self._empty_state()), None
        state = self._state_of(page)
        frame = (
            self._rows_frame(person, after, page, state)
            if has_changes_after(page, after) and not state.was_trimmed_after(after.sequence)
            else None
        )
        return await self._catch_up(person, state), frame

    async def snapshot_frame(self, person: Person) -> EncodedFrame:
        """Return a snapshot of a user's newest notifications that are not archived.

        Raises Unavailable.
        """
        return (await self.read_snapshot(person))[0]

    async def read_snapshot(self, person: Person) -> tuple[EncodedFrame, InboxState | None]:
        """Return a snapshot, and the state of the inbox at the ring's head if it was read with it.

        It is read from the stream if the rows are so far behind that the client could not go on.

        Raises Unavailable.
        """
        try:
            page = await self._queries.read_inbox(InboxQuery(person, None, self._snapshot_rows))
        except Unavailable:
            return await self._tail_snapshot_frame(person), None
        rows, state = encode_rows(self.epoch, page), self._state_of(page)
        frame = frames.snapshot(
            self._cursor(person, page.checkpoint), rows, state.counts(time.time())
        )
        if (await self._catch_up(person, state)).was_trimmed_after(page.checkpoint):
            return await self._tail_snapshot_frame(person), None
        return frame, state

    async def read_list(self, person: Person, list_filter: ListFilter) -> bytes:
        """Return a list as JSON, at least as new as what this edge has seen; raises Unavailable."""
        page = await self._read_list_page(person, list_filter)
        is_full = len(page.rows) == list_filter.limit
        return b'{"notifications":[%b],"counts":%b,"cursor":%b,"next":%b}' % (
            b",".join(encode_rows(self.epoch, page)),
            encode(self._state_of(page).counts(time.time())),
            encode(str(self._cursor(person, page.checkpoint))),
            encode(str(self._cursor(person, page.rows[-1].sequence)) if is_full else None),
        )

    async def read_notification(self, person: Person, identifier: str) -> bytes | None:
        """Return a notification of any list as JSON, None if there is none; raises Unavailable."""
        page = await self._read_list_page(person, ListFilter(None, 1, {"id": identifier}))
        return frames.encode_row(self.epoch, page.rows[0]) if page.rows else None

    def early_frame(self, person: Person, after: Cursor) -> EncodedFrame | None:
        """Return what the ring alone has after a cursor, None if it cannot tell.

        The state of the inbox is not known yet, so the frame has no counts: `more` follows.
        """
        messages = (
            None
            if after.until or self.tenants_with_topics.may_have_topics(person.tenant)
            else self.ring.entries_after(self.subject_of(person), after.sequence)
        )
        if not messages:
            return None
        state = self._empty_state()
        apply_entries(state, messages)
        if state.was_trimmed_after(after.sequence):
            return None
        epoch = self.epoch_of(person)
        return entries_frame(epoch, after, messages, state, self.ring.head, more=True)

    async def next_frame(
        self, person: Person, after: Cursor, state: InboxState, *, whole: bool = True
    ) -> EncodedFrame:
        """Return the next frame after a cursor; unless `whole`, of what is still kept.

        Raises Unreplayable or Unavailable.
        """
        if whole and state.was_trimmed_after(after.sequence):
            raise Unreplayable("expired")
        messages = (
            None if after.until else self.recent_entries(person, state.memberships, after.sequence)
        )
        if messages is not None:
            return entries_frame(self.epoch_of(person), after, messages, state, self.ring.head)
        try:
            page = await self._queries.read_inbox(InboxQuery(person, after))
        except Unavailable:
            if after.until:  # the stream cannot tell which rows of the page are still to come
                raise
            return await self._tail_frame(person, after, state, whole=whole, expirable=whole)
        if whole and after.sequence < page.horizon:
            raise Unreplayable("expired")
        if after.highest_sequence > page.checkpoint and after.until:
            raise Unavailable("the read model is behind the position where this replay began")
        return (
            self._rows_frame(person, after, page, self._state_of(page))
            if after.until or after.sequence < page.checkpoint
            else await self._tail_frame(person, after, state, whole=whole)
        )

    def recent_entries(
        self, person: Person, memberships: TopicMemberships, after: int
    ) -> list[StreamMessage] | None:
        """Return a user's entries after a sequence, topics included.

        None if the ring begins later.
        """
        subject = self.subject_of(person)
        own = self.ring.entries_after(subject, after)
        if own is None:
            return None
        has_memberships = any(message.subject != subject for message in own)
        entries = visible_entries(own, person, memberships) if has_memberships else own
        topics = memberships.topics_after(after)
        if not topics:
            return entries
        shared = (
            message
            for topic in topics
            for message in self.ring.entries_after(topic_inbox_subject(topic), after) or ()
        )
        return visible_entries([*entries, *shared], person, memberships)

    async def _read_list_page(self, person: Person, list_filter: ListFilter) -> InboxPage:
        def newest(memberships: TopicMemberships) -> int:
            return max(
                map(
                    self.ring.newest_sequence,
                    (self.subject_of(person), *map(topic_inbox_subject, memberships.topics)),
                )
            )

        return await self._queries.read_list(person, list_filter, newest)

    def _rows_frame(
        self, person: Person, after: Cursor, page: InboxPage, state: InboxState
    ) -> EncodedFrame:
        """Return a frame of a page's rows; more follows if the ring has what they lack."""
        more = page.more or self.recent_entries(person, state.memberships, page.checkpoint) != []
        return changed_rows_frame(self.epoch_of(person), after, page, state, more=more)

    async def _tail_frame(
        self,
        person: Person,
        after: Cursor,
        state: InboxState,
        *,
        whole: bool = True,
        expirable: bool = False,
    ) -> EncodedFrame:
        """Return the next frame from the stream: slower, and with every single entry."""
        if expirable and after.sequence + 1 < await self._tail.first_sequence():
            raise Unreplayable("expired")
        messages, reached = await self._tail.read_entries(person, state.memberships, after.sequence)
        if whole and await self._tail.may_have_evicted(person, state.memberships, after.sequence):
            raise Unreplayable("expired")
        return entries_frame(
            self.epoch_of(person), after, messages, state, reached, more=reached < self.ring.head
        )

    async def _catch_up(self, person: Person, state: InboxState) -> InboxState:
        """Apply the entries up to the ring's head; after the last of them nothing is awaited.

        So the state is complete when the caller goes on.
        """
        since, unchecked = state.sequence, False
        while True:
            recent = self.recent_entries(person, state.memberships, state.sequence)
            if recent is None:
                messages, reached = await self._tail.read_entries(
                    person, state.memberships, state.sequence
                )
                apply_entries(state, messages)
                state.sequence = max(state.sequence, reached)
                unchecked = True
                continue
            apply_entries(state, recent)
            if not unchecked:
                return state
            await self._tail.check_complete(person, state, since)
            unchecked = False

    async def _tail_snapshot_frame(self, person: Person) -> EncodedFrame:
        state, reached, head = self._empty_state(), 0, self.ring.head
        bodies: dict[str, bytes] = {}
        while reached < head:
            messages, reached = await self._tail.read_entries(person, state.memberships, reached)
            bodies |= {
                entry.id: message.data
                for message in messages
                if isinstance(entry := decode_entry(message.data), Notification)
            }
            apply_entries(state, messages)
        await self._tail.check_complete(person, state, 0)
        notifications = [
            frames.encode_state(self.epoch, each, bodies[each.id])
            for each in state.newest_states(self._snapshot_rows, time.time())
        ]
        return frames.snapshot(
            self._cursor(person, reached), notifications, state.counts(time.time())
        )

    def _empty_state(self) -> InboxState:
        return InboxState(self._limit, self._retention.total_seconds())

    def _cursor(self, person: Person, sequence: int) -> Cursor:
        return Cursor(self.epoch_of(person), sequence)

    def _state_of(self, page: InboxPage) -> InboxState:
        return InboxState(
            self._limit,
            self._retention.total_seconds(),
            page.states,
            page.checkpoint,
            page.memberships,
        )
