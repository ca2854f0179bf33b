"""The policy of a dialect: handles the requests of a front end and responds to them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import msgspec
from tidings.contracts.frames import MarkOperation
from tidings.edge.delivery.marks import Marks
from tidings.edge.dialects.engine.connection import DialectConnection
from tidings.edge.dialects.engine.dialect import (
    AnyDialectRequest,
    CountRequest,
    Dialect,
    MarkReadRequest,
    PingRequest,
    SubscribeRequest,
)
from tidings.runtime.errors import TidingsError


class DialectPolicy:
    """The policy of one connection; a malformed request gets an error frame, and no close."""

    __slots__ = ("_connection", "_dialect", "_marks")

    def __init__(self, marks: Marks, dialect: Dialect, connection: DialectConnection) -> None:
        self._marks = marks
        self._dialect = dialect
        self._connection = connection

    async def handle_text(self, text: str | bytes) -> None:
        """Carry out a request and send the response."""
        try:
            await self._handle(self._dialect.decode_request(text))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self._connection.send_frames(self._dialect.error_frame(f"bad frame: {error}"))
        except TidingsError:
            self._connection.send_frames(self._dialect.error_frame("unavailable; send it again"))

    async def _handle(self, request: AnyDialectRequest) -> None:
        match request:
            case PingRequest():
                self._connection.send_frames(self._dialect.pong_frame())
            case CountRequest():
                await self._send_count()
            case MarkReadRequest():
                await self._mark_read(request.notification_id)
            case SubscribeRequest():
                self._connection.send_frames(self._dialect.subscribed_frame(request.event_type))

    async def _send_count(self) -> None:
        """Send the unread count; during a replay, once the replay has ended.

        A client that adds up notifications itself would count the rest of the replay twice.
        """
        if self._connection.is_live:
            counts = await self._connection.read_counts()
            self._connection.send_frames(*self._dialect.unread_count_frames(counts))
        else:
            self._connection.request_count()

    async def _mark_read(self, identifier: str) -> None:
        if not await self._connection.has_notification(identifier):
            raise ValueError("you have no such notification")
        operation = MarkOperation(op=uuid4().hex, state="read", ids=(identifier,))
        await self._marks.append_mark(
            self._connection.identity.person, operation, datetime.now(UTC)
        )
