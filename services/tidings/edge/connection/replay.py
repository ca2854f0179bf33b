"""Replay policies: where a connection begins, and which frames it gets up to the head."""

from __future__ import annotations

from typing import Protocol

from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.contracts.frames import ResetReason
from tidings.edge.delivery import frames
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.log_reader import LogReader, Unreplayable
from tidings.edge.delivery.user_stream import UserStream
from tidings.runtime.auth.identity import Identity


class ReplayingConnection(Protocol):
    """A connection, as a replay policy sees it."""

    cursor: Cursor
    is_live: bool
    stream: UserStream
    identity: Identity

    @property
    def counts_due(self) -> bool:
        """Whether the client is at the head and no frame has carried the counts there."""
        ...

    async def send_hello(self) -> None:
        """Send the first frame."""
        ...

    async def send_frame(self, frame: EncodedFrame) -> None:
        """Send a frame of the log and advance the cursor; raises TimeoutError or OSError."""
        ...


class ReplayPolicy(Protocol):
    """The cursor rules of one protocol: the canonical one or a dialect's."""

    async def begin(self, connection: ReplayingConnection, cursor: str | None) -> None:
        """Set the connection's cursor and send what comes before the entries after it.

        Raises Unavailable.
        """
        ...

    async def next_frame(self, connection: ReplayingConnection) -> EncodedFrame | None:
        """Return the frame after the connection's cursor, None at the head; raises Unavailable."""
        ...

    def frame_on_arrival(self, connection: ReplayingConnection) -> EncodedFrame:
        """Return the next frame at the head for a connection that is not live yet.

        Sets `is_live` when this frame is the last one of the replay.
        """
        ...


class CanonicalReplay:
    """Starts at the client's cursor, or with a snapshot; a cursor that expired leads to a reset."""

    __slots__ = ("_log",)

    def __init__(self, log: LogReader) -> None:
        self._log = log

    async def begin(self, connection: ReplayingConnection, cursor: str | None) -> None:
        """Send hello, a reset and a snapshot if the cursor cannot be replayed, and early frames."""
        reset_reason = await self._set_cursor(connection, cursor)
        await connection.send_hello()
        if reset_reason or not cursor:
            await connection.send_frame(await self._start_over(connection, reset_reason))
        # The first entries need no inbox state, whose query other connections may wait for too.
        while frame := connection.stream.early_frame(connection.cursor):
            await connection.send_frame(frame)

    async def next_frame(self, connection: ReplayingConnection) -> EncodedFrame | None:
        """Return the next entries, or a snapshot when they cannot be replayed."""
        try:
            return await connection.stream.next_frame(connection.cursor)
        except Unreplayable as reason:
            return await self._start_over(connection, reason.reason)

    def frame_on_arrival(self, connection: ReplayingConnection) -> EncodedFrame:
        """Return the counts if no frame carried them yet, then `live`."""
        if connection.counts_due:
            return connection.stream.counts_frame(connection.cursor)
        connection.is_live = True
        return frames.cursor_frame("live", connection.cursor)

    async def _set_cursor(
        self, connection: ReplayingConnection, cursor: str | None
    ) -> ResetReason | None:
        """Return why the cursor cannot be replayed, None if it can or there is none."""
        try:
            if cursor:
                connection.cursor = await self._log.check_cursor(
                    Cursor.parse(cursor), connection.identity.person
                )
        except InvalidCursor:
            return "epoch"
        except Unreplayable as reason:
            return reason.reason
        return None

    async def _start_over(
        self, connection: ReplayingConnection, reason: ResetReason | None
    ) -> EncodedFrame:
        """Send a reset if there is a reason for it, and return the snapshot to send next.

        Until the client has the snapshot, its cursor is the beginning of the log.
        """
        person = connection.identity.person
        if reason:
            beginning = Cursor(self._log.epoch_of(person), 0)
            await connection.send_frame(frames.reset(reason, beginning))
        return await connection.stream.snapshot_frame()
