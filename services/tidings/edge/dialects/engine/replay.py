"""The cursor rules of dialects: resume at the client's cursor, or after what the user was sent."""

from __future__ import annotations

import time
from contextlib import suppress

from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.edge.connection.replay import ReplayingConnection
from tidings.edge.delivery import frames
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.delivery.log_reader import LogReader, Unreplayable
from tidings.edge.dialects.engine.sent_positions import SentPositions


class DialectReplay:
    """The replay of one connection: it never starts over, since dialects have no reset."""

    __slots__ = ("_log", "_sent_positions")

    def __init__(self, log: LogReader, sent_positions: SentPositions) -> None:
        self._log = log
        self._sent_positions = sent_positions

    async def begin(self, connection: ReplayingConnection, cursor: str | None) -> None:
        """Set the connection's cursor and send hello; raises Unavailable."""
        await connection.stream.wait_until_open()
        connection.cursor = await self._start(connection, cursor)
        await connection.send_hello()

    async def next_frame(self, connection: ReplayingConnection) -> EncodedFrame | None:
        """Return the next entries, without those that are no longer kept; raises Unavailable."""
        return await connection.stream.next_frame(connection.cursor, whole=False)

    def frame_on_arrival(self, connection: ReplayingConnection) -> EncodedFrame:
        """Return a frame with the counts, and end the replay."""
        connection.is_live = True
        counts = connection.stream.inbox.counts(time.time())
        return frames.entries(connection.cursor, connection.cursor, [], counts)

    async def _start(self, connection: ReplayingConnection, cursor: str | None) -> Cursor:
        """Return the cursor to start at; one of another log counts as none."""
        with suppress(InvalidCursor, Unreplayable):
            if cursor:
                return await self._log.check_cursor(
                    Cursor.parse(cursor), connection.identity.person
                )
        return await self._sent_cursor(connection)

    async def _sent_cursor(self, connection: ReplayingConnection) -> Cursor:
        """Return the cursor up to which the user was sent everything, on any edge."""
        sent_here = max(
            (
                subscriber.sent_cursor.sequence
                for subscriber in connection.stream.subscribers
                if subscriber.is_live and not subscriber.sent_cursor.until
            ),
            default=0,
        )
        person = connection.identity.person
        sent = await self._sent_positions.sequence_of(person)
        return Cursor(self._log.epoch_of(person), max(sent_here, sent))
