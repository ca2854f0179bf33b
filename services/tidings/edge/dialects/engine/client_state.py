"""The state of a client on which its frames depend, besides the canonical frame."""

from __future__ import annotations

import time

from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import Entries
from tidings.contracts.notifications import Counts, Notification
from tidings.edge.connection.replay import ReplayingConnection
from tidings.projections.inbox.inbox_state import InboxState


class ClientState:
    """The notifications sent to one client, and the newest inbox of its user.

    The inbox may be ahead of the frame that is rendered, or behind it: a replay reads rows, and
    the projection may be ahead of the edge.
    """

    __slots__ = ("_connection", "_known_up_to", "_replayed", "_rows_counts")

    def __init__(self, connection: ReplayingConnection) -> None:
        self._connection = connection
        self._known_up_to = 0
        self._replayed: set[int] = set()
        self._rows_counts: Counts | None = None

    @property
    def user(self) -> str:
        """Return the name of the user."""
        return self._connection.identity.person.user

    @property
    def is_live(self) -> bool:
        """Return whether the replay has ended."""
        return self._connection.is_live

    @property
    def inbox(self) -> InboxState:
        """Return the newest known state of the inbox."""
        return self._connection.stream.inbox

    def begin_frame(self) -> None:
        """Record the position of the client before the next frame.

        A replay of rows has no such position: a row that changes again comes again.
        """
        if not self._connection.cursor.until:
            self._known_up_to = self._connection.cursor.sequence
            self._replayed.clear()

    def has(self, notification: Notification) -> bool:
        """Return whether the client was sent a notification before."""
        sequence = _sequence_of(notification)
        return sequence <= self._known_up_to or sequence in self._replayed

    def record_sent(self, notification: Notification) -> None:
        """Record that a notification is sent to the client."""
        self._replayed.add(_sequence_of(notification))

    def is_pending(self, notification: Notification) -> bool:
        """Return whether a notification is unread, and not archived, deleted, snoozed or expired.

        If it is newer than the inbox, its own marks decide.
        """
        now = time.time()
        state = self.inbox.visible_state(notification.id, now)
        if state is None:
            return _sequence_of(notification) > self._inbox_sequence and not (
                notification.read or notification.archived or notification.snoozed
            )
        return not (state.read or state.archived or state.wakes_at(now))

    def counts_after(self, frame: Entries) -> Counts:
        """Return the newest known counts after a frame."""
        if Cursor.parse(frame.cursor).sequence <= self._inbox_sequence:
            return self.inbox.counts(time.time())
        if frame.counts and frame.after != frame.cursor:
            self._rows_counts = frame.counts
        return self._rows_counts or frame.counts or self.inbox.counts(time.time())

    @property
    def _inbox_sequence(self) -> int:
        """Return the sequence up to which the inbox is complete."""
        stream = self._connection.stream
        return max(stream.cursor.sequence, stream.inbox.sequence)


def _sequence_of(notification: Notification) -> int:
    return int((notification.cursor or "-0").rpartition("-")[2])
