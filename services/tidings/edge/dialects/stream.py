"""The event stream of a dialect: the core's, but for what is said on it, and that the token may stand in the address."""

from __future__ import annotations

from litestar.types import Receive, Scope, Send
from tidings.edge.connection import Closed, Connection
from tidings.edge.dialects import translation
from tidings.edge.dialects.caller import Caller, Form
from tidings.edge.dialects.dialect import Dialect
from tidings.edge.dialects.sent import Sent
from tidings.edge.edge import Edge
from tidings.edge.stream import Stream
from tidings.runtime.auth import Identity
from tidings.runtime.credential import Arrival


class DialectStream(Stream):
    """One event stream of a front end; it goes on after `Last-Event-ID`, and ends without a word, so that its client comes back."""

    __slots__ = ("_dialect", "_sent")

    def __init__(
        self, edge: Edge, dialect: Dialect, sent: Sent, scope: Scope, receive: Receive, send: Send
    ) -> None:
        super().__init__(edge, scope, receive, send)
        self._dialect = dialect
        self._sent = sent

    async def _identify(self, arrival: Arrival) -> Identity | None:
        return await self._edge.door.identify(arrival, in_query=True)

    def _connection(self, identity: Identity) -> Connection:
        form = Form(self._dialect.name, translation.chunks, self._asgi_send, cursors=True)
        return Caller(self._edge, identity, self._dialect, form, self._sent)

    async def _end(self, closed: Closed) -> None:
        await self._write(b"", more=False)
