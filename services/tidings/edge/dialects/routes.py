"""The paths of the dialects: which product's front end finds what where."""

from __future__ import annotations

from typing import Any

from litestar import asgi
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send
from tidings.edge import admission
from tidings.edge.dialects import barbershop_api, volunteers_api
from tidings.edge.dialects.barbershop import Barbershop
from tidings.edge.dialects.chat import Chat
from tidings.edge.dialects.dialect import Dialect
from tidings.edge.dialects.field_service import FieldService
from tidings.edge.dialects.incidents import Incidents
from tidings.edge.dialects.sent import Sent
from tidings.edge.dialects.socket import DialectSocket
from tidings.edge.dialects.stream import DialectStream
from tidings.edge.dialects.volunteers import Volunteers
from tidings.edge.edge import Edge
from tidings.runtime import problem
from tidings.runtime.openapi import UNDESCRIBED

SOCKETS: tuple[tuple[str, Dialect], ...] = (
    ("/ws", FieldService()),
    ("/api/v1/ws", Barbershop()),
    ("/ws/notifications", Chat()),
    ("/api/v1/ws/notifications", Incidents()),
)
STREAMS: tuple[tuple[str, Dialect], ...] = (("/notifications/stream", Volunteers()),)


def handlers(edge: Edge) -> list[Any]:
    """The route handlers of all dialects; they stand in no document but their own README."""
    sent = Sent(edge)
    sockets = [_socket(edge, sent, path, dialect) for path, dialect in SOCKETS]
    streams = [_stream(edge, sent, path, dialect) for path, dialect in STREAMS]
    requests = [*barbershop_api.handlers(edge), *volunteers_api.handlers(edge)]
    guards = [admission.inbox(edge)]
    for request in requests:
        request.guards = guards
    return [*sockets, *streams, *requests]


def _socket(edge: Edge, sent: Sent, path: str, dialect: Dialect) -> Any:
    @asgi(path, copy_scope=False, opt=UNDESCRIBED, name=f"dialect {dialect.name}")
    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            await DialectSocket(edge, dialect, sent, scope, receive, send).run()
        else:
            await problem.respond(send, 426, "upgrade required", "this is a WebSocket (RFC 6455)")

    return socket


def _stream(edge: Edge, sent: Sent, path: str, dialect: Dialect) -> Any:
    @asgi(path, copy_scope=False, opt=UNDESCRIBED, name=f"dialect {dialect.name}")
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            await problem.respond(
                send,
                400,
                "bad request",
                "this is an event stream, read by GET",
                kind="websocket.http",
            )
        elif scope["method"] == "GET":
            await DialectStream(edge, dialect, sent, scope, receive, send).run()
        else:
            await problem.respond(send, 405, "method not allowed", "a stream is read by GET")

    return stream
