"""A user's stream: shared by all their connections, so each entry is applied and encoded once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.subjects import Person, Topic
from tidings.edge.delivery import frames
from tidings.edge.delivery.entry_frames import entries_frame, fits_in_frame, is_visible
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.lazy_inbox import LazyInbox
from tidings.edge.delivery.log_reader import HEAD, LogReader
from tidings.edge.delivery.routed_entry import RoutedEntry, apply_membership
from tidings.edge.delivery.shared_frames import SharedFrame
from tidings.edge.delivery.subscriber import Subscriber
from tidings.projections.inbox.inbox_state import NEVER, InboxState
from tidings.runtime.log.follow import StreamMessage


class Delivery(NamedTuple):
    """A frame for the subscribers of a stream that stand at `after`; without one, all read on."""

    stream: UserStream
    frame: EncodedFrame | None
    after: Cursor

    def send(self) -> None:
        """Hand the frame to the subscribers."""
        for subscriber in self.stream.subscribers:
            if self.frame:
                subscriber.try_deliver(self.frame, self.after)
            else:
                subscriber.resume()


class UserStream:
    """A user's log from now on, complete up to `cursor`; delivers to subscribers that are there."""

    __slots__ = (
        *(
            "_inbox",
            "_log",
            "_epoch",
            "_encoded_user",
            "_on_open",
            "_opening",
            "_cached_frame",
            "_cached_for",
            "_counts_pending",
            "_first_frame",
        ),
        *("cursor", "heartbeat_due", "next_expiry", "person", "subject", "subscribers"),
    )

    def __init__(
        self, log: LogReader, person: Person, opened: Callable[[UserStream], None]
    ) -> None:
        self._log = log
        self._on_open = opened
        self._cached_frame: EncodedFrame | None = None
        self._cached_for: tuple[Cursor, bool] | None = None
        self._first_frame: tuple[Cursor, EncodedFrame] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._inbox: LazyInbox | None = None
        self._encoded_user = encode(person.user)
        self.person = person
        self.subject = log.subject_of(person)
        self._epoch = log.epoch_of(person)
        self.cursor = Cursor(self._epoch, 0)
        self.heartbeat_due = 0.0
        self.next_expiry = NEVER
        self._counts_pending = False
        self.subscribers: list[Subscriber] = []

    def open_if_known(self) -> None:
        """Open the stream at once if the state of the inbox takes no query."""
        if self._inbox is None and self._opening is None:
            state = self._log.known_inbox(self.person)
            if state:
                self._adopt_inbox(state)

    async def wait_until_open(self, after: Cursor | None = None) -> None:
        """Wait until the state of the inbox has been read; raises Unavailable.

        The next frame after a cursor is read with it, if both come from the rows.
        """
        if self._inbox is None:
            if self._opening is None:
                self._opening = asyncio.create_task(self._open(after))
            await asyncio.shield(self._opening)

    async def snapshot_frame(self) -> EncodedFrame:
        """Return a snapshot; its query opens the stream too. Raises Unavailable."""
        frame, state = await self._log.read_snapshot(self.person)
        if state and self._inbox is None and self._opening is None:
            self._adopt_inbox(state)
        return frame

    @property
    def topics(self) -> Iterable[Topic]:
        """Return all topics that the user is or was a member of."""
        return self.inbox.memberships.topics if self._inbox else ()

    @property
    def inbox(self) -> InboxState:
        """Return the state of the inbox at `cursor`."""
        assert self._inbox, "a stream is opened before it is read"
        return self._inbox.state

    @property
    def is_open(self) -> bool:
        """Return whether the state of the inbox is known."""
        return self._inbox is not None

    @property
    def newest_sequence(self) -> int:
        """Return the sequence of the newest entry; unbounded while it is not known."""
        return self.inbox.sequence if self._inbox else HEAD

    @property
    def newest_notification(self) -> int:
        """Return the sequence of the newest notification, 0 without one or while unknown."""
        return self.inbox.newest if self._inbox else 0

    def apply_membership(self, message: StreamMessage) -> bool:
        """Apply a membership; return False while the state before it is not known."""
        if self._inbox is None:
            return False
        apply_membership(message, self.inbox.memberships)
        return True

    def apply(self, entries: list[RoutedEntry]) -> Delivery | None:
        """Apply the next entries and return their delivery; None while the state is not known.

        Applying and sending are apart because a write evicts the processor's caches: with many
        readers of one topic, all apply first, then all send.
        """
        lazy = self._inbox
        if lazy is None:
            return None
        now = time.time()
        fits = len(entries) == 1 or fits_in_frame([each.message for each in entries])
        if fits and self._all_take_counts_delta() and (expiry := lazy.defer(entries, now)):
            return self._advance_lazily(entries, expiry)
        inbox = lazy.state
        for each in entries:
            inbox.apply(each.entry, each.message.sequence, each.message.time_nanoseconds)
        if fits and (len(entries) == 1 or not inbox.was_trimmed_after(self.cursor.sequence)):
            visible = [each for each in entries if is_visible(each.entry, inbox, now)]
            return self._advance(entries[-1].message.sequence, visible, now)
        self.cursor = Cursor(self._epoch, entries[-1].message.sequence)
        self.next_expiry = inbox.next_expiry(now)
        return Delivery(self, None, self.cursor)

    def send_heartbeat(self, head: int, log_unreachable: bool) -> None:
        """Send a heartbeat to every subscriber; the stream is complete up to `head`.

        An empty frame moves the cursor first, so that the heartbeat is at the client's cursor.
        """
        if self._inbox is None:
            return
        self._cached_frame = self._first_frame = None
        head = max(head, self._furthest_complete_cursor())
        if head > self.cursor.sequence:
            self._advance(head, [], time.time()).send()
        if self._counts_pending:
            self.send_counts()
        for subscriber in self.subscribers:
            subscriber.send_heartbeat(log_unreachable)

    def send_counts(self) -> None:
        """Send the counts after a snooze or a notification's time has ended.

        Subscribers that are busy get them with the next heartbeat.
        """
        self._cached_frame, frame = None, self.counts_frame(self.cursor)
        self.next_expiry = self.inbox.next_expiry(time.time())
        delivered = [subscriber.try_deliver(frame, self.cursor) for subscriber in self.subscribers]
        self._counts_pending = not all(delivered)

    def early_frame(self, after: Cursor) -> EncodedFrame | None:
        """Return a frame from the ring while the state is not known; None if it is, or must be."""
        return self._log.early_frame(self.person, after) if self._inbox is None else None

    def is_complete_at(self, cursor: Cursor) -> bool:
        """Return whether the inbox is that of a cursor: it has all entries up to there, no more."""
        return (
            not cursor.until
            and self.cursor.sequence <= cursor.sequence
            and cursor.sequence <= max(self.cursor.sequence, self._log.ring.reached)
        )

    def _furthest_complete_cursor(self) -> int:
        """Return the sequence of the furthest subscriber at whose cursor the stream is complete.

        The rows may have moved it past messages of the log that are no entries.
        """
        cursors = [subscriber.sent_cursor for subscriber in self.subscribers]
        return max([each.sequence for each in cursors if self.is_complete_at(each)], default=0)

    def counts_frame(self, at: Cursor) -> EncodedFrame:
        """Return a frame without entries that carries the counts; the stream is complete there."""
        return frames.entries(at, at, [], self.inbox.counts(time.time()))

    def heartbeat_frame(self, at: Cursor, *, with_counts: bool) -> EncodedFrame:
        """Return a heartbeat, with the counts if it should have them and the state is at hand."""
        if with_counts and self._inbox and self.is_complete_at(at):
            return frames.heartbeat_with_counts(at, self.inbox.counts(time.time()))
        return frames.cursor_frame("heartbeat", at)

    async def next_frame(self, after: Cursor, *, whole: bool = True) -> EncodedFrame | None:
        """Return the next frame after a cursor, None at the head; unless `whole`, of what is kept.

        Raises Unreplayable or Unavailable.
        """
        if after.sequence >= self.cursor.sequence and not after.until:
            return None
        if self._first_frame and self._first_frame[0] == after:
            _, frame = self._first_frame
            self._first_frame = None
            return frame
        if (
            self._cached_frame is None
            or self._cached_for != (after, whole)
            or not self._reaches_head(self._cached_frame)
        ):
            self._cached_frame = await self._read_next(after, whole)
            self._cached_for = (after, whole)
        return self._cached_frame

    def _advance(self, head: int, entries: list[RoutedEntry], now: float) -> Delivery:
        """Move to a sequence with the entries up to there, and return the frame for subscribers."""
        after, self.cursor = self.cursor, Cursor(self._epoch, head)
        counts = self.inbox.counts(now)
        bodies = [each.encode_for(self._encoded_user) for each in entries]
        frame = frames.entries(after, self.cursor, bodies, counts)
        frame.content = [each.entry for each in entries], counts
        frame.logged_nanoseconds = _first_logged(entries)
        if entries or self.next_expiry > now:
            # Else the counts are still due, since dialects send none for a frame without entries.
            self.next_expiry = self.inbox.next_expiry(now)
        return Delivery(self, frame, after)

    def _all_take_counts_delta(self) -> bool:
        """Return whether all connections have the counts of the last frame, and add to them."""
        # A loop, as a generator would cost every frame more than the answer.
        for subscriber in self.subscribers:
            if not subscriber.takes_counts_delta:
                return False
        return not self._counts_pending

    def _advance_lazily(self, entries: list[RoutedEntry], expiry: float) -> Delivery:
        """Move past new notifications, the first of which vanishes at `expiry`.

        What vanished meanwhile by time alone stays due: its counts follow.
        """
        after, self.cursor = self.cursor, Cursor(self._epoch, entries[-1].message.sequence)
        frame = self._new_entries_frame(after, entries)
        frame.logged_nanoseconds = _first_logged(entries)
        if expiry < self.next_expiry:
            self.next_expiry = expiry
        return Delivery(self, frame, after)

    def _new_entries_frame(self, after: Cursor, entries: list[RoutedEntry]) -> EncodedFrame:
        if len(entries) == 1 and (parts := entries[0].shared_parts):
            return SharedFrame(parts, after, self.cursor, self._encoded_user)
        bodies = [each.encode_for(self._encoded_user) for each in entries]
        return frames.new_entries(after, self.cursor, bodies)

    def _reaches_head(self, frame: EncodedFrame) -> bool:
        return frame.more or (
            frame.cursor is not None and frame.cursor.sequence >= self.cursor.sequence
        )

    async def _read_next(self, after: Cursor, whole: bool) -> EncodedFrame:
        beyond = after.until or self.inbox.was_trimmed_after(after.sequence)
        messages = (
            None
            if beyond
            else self._log.recent_entries(self.person, self.inbox.memberships, after.sequence)
        )
        head = self.cursor.sequence
        if messages is None:
            return await self._log.next_frame(self.person, after, self.inbox, whole=whole)
        return entries_frame(
            self._epoch,
            after,
            [message for message in messages if message.sequence <= head],
            self.inbox,
            head,
        )

    async def _open(self, after: Cursor | None) -> None:
        try:
            state, frame = await self._log.read_inbox_after(self.person, after)
            self._first_frame = (after, frame) if after and frame else None
            self._adopt_inbox(state)
        finally:
            self._opening = None

    def _adopt_inbox(self, state: InboxState) -> None:
        """Begin with a state at the ring's head.

        The rows may be ahead of the ring. The stream is complete only as far as the ring is; the
        state does not apply entries again that it has already.
        """
        self.cursor = Cursor(self._epoch, self._log.ring.head)
        self._inbox = LazyInbox(state)
        self.next_expiry = state.next_expiry(time.time())
        self._on_open(self)


def _first_logged(entries: list[RoutedEntry]) -> int:
    """Return when the event of the first notification was logged, 0 without one."""
    if len(entries) == 1:
        return entries[0].logged_nanoseconds
    return next((each.logged_nanoseconds for each in entries if each.logged_nanoseconds), 0)
