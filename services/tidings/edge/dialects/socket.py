"""The WebSocket of a dialect: the core's, but for what is said on it, and that the token may stand in the address."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import cast
from uuid import uuid4

import msgspec
from litestar.types import Receive, Scope, Send
from tidings.contracts.frames import MarkOperation
from tidings.edge.connection import Connection
from tidings.edge.dialects import translation
from tidings.edge.dialects.barbershop import about
from tidings.edge.dialects.caller import Caller, Form
from tidings.edge.dialects.dialect import (
    Asked,
    CountUnread,
    Dialect,
    MarkRead,
    Ping,
    Said,
    Subscribe,
)
from tidings.edge.dialects.sent import Sent
from tidings.edge.edge import Edge
from tidings.edge.socket import Socket
from tidings.runtime.auth import WHERE, Identity, NoToken
from tidings.runtime.credential import Arrival
from tidings.runtime.errors import TidingsError

SUBSCRIPTIONS_LIMIT = 100


class DialectSocket(Socket):
    """One WebSocket of a front end; a frame that makes no sense is answered, not punished."""

    __slots__ = ("_cursors", "_dialect", "_sent", "_subscribed")

    def __init__(
        self, edge: Edge, dialect: Dialect, sent: Sent, scope: Scope, receive: Receive, send: Send
    ) -> None:
        super().__init__(edge, scope, receive, send)
        self._dialect = dialect
        self._sent = sent
        self._subscribed: frozenset[str] = frozenset()

    async def _identify(self, arrival: Arrival) -> tuple[Identity, str | None]:
        identity = await self._edge.door.identify(arrival, in_query=True)
        if identity is None:
            raise NoToken(WHERE)
        self._edge.door.knock(arrival, identity)
        cursor = arrival.first("cursor")
        self._cursors = cursor is not None
        return identity, cursor

    async def _talk(self, identity: Identity, cursor: str | None) -> None:
        key = f"{self._dialect.name} with cursors" if self._cursors else self._dialect.name
        form = Form(key, translation.texts, self._asgi_send, self._cursors)
        await Caller(self._edge, identity, self._dialect, form, self._sent).run(
            cursor, self._listen
        )

    async def _listen(self, connection: Connection) -> None:
        caller = cast("Caller", connection)
        bucket = self._edge.door.frames()
        while True:
            text = await self._text()
            if bucket:
                bucket.take(time.monotonic()).check()
            try:
                await self._do(caller, self._dialect.asked(text))
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                caller.answer(self._dialect.refused(f"bad frame: {error}"))
            except TidingsError:
                caller.answer(self._dialect.refused("this cannot be done now; send it again"))

    async def _do(self, caller: Caller, asked: Asked) -> None:
        match asked:
            case Ping():
                caller.answer(self._dialect.pong())
            case CountUnread():
                caller.answer(*self._dialect.unread(await caller.counts()))
            case MarkRead():
                await self._mark_read(caller, asked.notification_id)
            case Subscribe():
                self._subscribe(caller, asked.event_type)

    async def _mark_read(self, caller: Caller, identifier: str) -> None:
        if not await caller.has(identifier):
            raise ValueError("you have no such notification")
        operation = MarkOperation(op=uuid4().hex, state="read", ids=(identifier,))
        await self._edge.mark(caller.identity.person, operation, datetime.now(UTC))

    def _subscribe(self, caller: Caller, event_type: str) -> None:
        if len(self._subscribed) >= SUBSCRIPTIONS_LIMIT:
            raise ValueError(f"at most {SUBSCRIPTIONS_LIMIT} subscriptions")
        self._subscribed |= {event_type}
        caller.chosen = self._wanted

    def _wanted(self, said: Said) -> bool:
        return said.brings is None or not self._subscribed.isdisjoint(about(said.brings))
