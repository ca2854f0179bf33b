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
    DialectFrame,
    MarkReadRequest,
    PingRequest,
    SubscribeRequest,
)
from tidings.runtime.errors import TidingsError

SUBSCRIPTIONS_LIMIT = 100


class DialectPolicy:
    """The policy of one connection; a malformed request gets an error frame, and no close."""

    __slots__ = ("_connection", "_dialect", "_marks", "_subscriptions")

    def __init__(self, marks: Marks, dialect: Dialect, connection: DialectConnection) -> None:
        self._marks = marks
        self._dialect = dialect
        self._connection = connection
        self._subscriptions: frozenset[str] = frozenset()

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
                counts = await self._connection.read_counts()
                self._connection.send_frames(*self._dialect.unread_count_frames(counts))
            case MarkReadRequest():
                await self._mark_read(request.notification_id)
            case SubscribeRequest():
                self._subscribe(request.event_type)

    async def _mark_read(self, identifier: str) -> None:
        if not await self._connection.has_notification(identifier):
            raise ValueError("you have no such notification")
        operation = MarkOperation(op=uuid4().hex, state="read", ids=(identifier,))
        await self._marks.append_mark(
            self._connection.identity.person, operation, datetime.now(UTC)
        )

    def _subscribe(self, event_type: str) -> None:
        if len(self._subscriptions) >= SUBSCRIPTIONS_LIMIT:
            raise ValueError(f"at most {SUBSCRIPTIONS_LIMIT} subscriptions")
        self._subscriptions |= {event_type}
        self._connection.frame_filter = self._is_subscribed

    def _is_subscribed(self, frame: DialectFrame) -> bool:
        if frame.notification is None:
            return True
        names = self._dialect.subscription_names(frame.notification)
        return not self._subscriptions.isdisjoint(names)
