"""The routes of the dialects: the path of each product's front end."""

from __future__ import annotations

from typing import Any

from litestar import asgi
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send
from tidings.edge.connection.event_stream import EventStreamHandler, EventStreamTransport
from tidings.edge.connection.websocket import WebSocketHandler, WebSocketTransport
from tidings.edge.dialects.engine.dialect import Dialect
from tidings.edge.dialects.engine.lists import DialectLists
from tidings.edge.dialects.engine.sent_positions import SentPositions
from tidings.edge.dialects.engine.socket import DialectWebSocket
from tidings.edge.dialects.engine.stream import DialectEventStream
from tidings.edge.dialects.products.barbershop import api as barbershop_api
from tidings.edge.dialects.products.barbershop.frames import Barbershop
from tidings.edge.dialects.products.chat import Chat
from tidings.edge.dialects.products.field_service import FieldService
from tidings.edge.dialects.products.incidents import Incidents
from tidings.edge.dialects.products.volunteers import api as volunteers_api
from tidings.edge.dialects.products.volunteers.frames import Volunteers
from tidings.edge.edge import Edge
from tidings.runtime.http import problem
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT

SOCKETS: tuple[tuple[str, Dialect], ...] = (
    ("/ws", FieldService()),
    ("/api/v1/ws", Barbershop()),
    ("/ws/notifications", Chat()),
    ("/api/v1/ws/notifications", Incidents()),
)
STREAMS: tuple[tuple[str, Dialect], ...] = (("/notifications/stream", Volunteers()),)


def handlers(edge: Edge) -> list[Any]:
    """Return the route handlers of all dialects.

    They are not in the OpenAPI document; the README beside this module describes them.
    """
    sent_positions = SentPositions(edge.runtime, edge.acks, edge.log.epoch)
    lists, guard = DialectLists(edge.log, edge.marks), edge.guards.inbox
    return [
        *(_socket(edge, sent_positions, path, dialect) for path, dialect in SOCKETS),
        *(_stream(edge, sent_positions, path, dialect) for path, dialect in STREAMS),
        *barbershop_api.handlers(lists, edge.hub, edge.drain, guard),
        *volunteers_api.handlers(lists, guard),
    ]


def _socket(edge: Edge, sent_positions: SentPositions, path: str, dialect: Dialect) -> Any:
    @asgi(path, copy_scope=False, opt=UNDOCUMENTED_OPT, name=f"dialect {dialect.name}")
    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            transport = WebSocketTransport(edge.settings, scope, receive, send)
            protocol = DialectWebSocket(
                edge.gate, edge.connections, edge.marks, dialect, sent_positions, transport
            )
            await WebSocketHandler(edge.gate, transport, protocol).run()
        else:
            await problem.send_problem(
                send, 426, "upgrade required", "this path takes WebSockets only (RFC 6455)"
            )

    return socket


def _stream(edge: Edge, sent_positions: SentPositions, path: str, dialect: Dialect) -> Any:
    @asgi(path, copy_scope=False, opt=UNDOCUMENTED_OPT, name=f"dialect {dialect.name}")
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            await problem.send_problem(
                send,
                400,
                "bad request",
                "this path is an event stream; use GET",
                kind="websocket.http",
            )
        elif scope["method"] == "GET":
            transport = EventStreamTransport(edge.settings, scope, receive, send)
            protocol = DialectEventStream(
                edge.gate, edge.connections, dialect, sent_positions, transport
            )
            await EventStreamHandler(edge.gate, transport, protocol).run()
        else:
            await problem.send_problem(send, 405, "method not allowed", "use GET for a stream")

    return stream
