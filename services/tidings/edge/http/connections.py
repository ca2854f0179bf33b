"""The routes that open a connection: WebSocket at `/v1/socket`, event stream at `/v1/stream`."""

from __future__ import annotations

from typing import Any

from litestar import asgi
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send
from tidings.edge.connection.canonical_event_stream import CanonicalEventStream
from tidings.edge.connection.canonical_websocket import CanonicalWebSocket
from tidings.edge.connection.connection import ConnectionContext
from tidings.edge.connection.event_stream import EventStreamHandler, EventStreamTransport
from tidings.edge.connection.gate import ConnectionGate
from tidings.edge.connection.websocket import WebSocketHandler, WebSocketTransport
from tidings.edge.delivery.marks import Marks
from tidings.edge.http import openapi
from tidings.edge.monitoring.connection_meter import CANONICAL
from tidings.runtime.http import problem
from tidings.runtime.http.openapi import operation_opt


def handlers(gate: ConnectionGate, connections: ConnectionContext, marks: Marks) -> list[Any]:
    """Return the route handlers of connections."""
    return [_socket(gate, connections, marks), _stream(gate, connections)]


def _socket(gate: ConnectionGate, context: ConnectionContext, marks: Marks) -> Any:
    connections = context.metered("websocket", CANONICAL)

    @asgi("/v1/socket", copy_scope=False, opt=operation_opt(openapi.SOCKET))
    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        """Send the caller's log over a WebSocket; the AsyncAPI document describes the frames."""
        if scope["type"] == ScopeType.WEBSOCKET:
            transport = WebSocketTransport(
                connections.settings, connections.meter, scope, receive, send
            )
            protocol = CanonicalWebSocket(gate, connections, marks, transport)
            await WebSocketHandler(gate, transport, protocol).run()
        else:
            await problem.send_problem(
                send,
                426,
                "upgrade required",
                "/v1/socket takes WebSockets only (RFC 6455); use /v1/stream over plain HTTP",
            )

    return socket


def _stream(gate: ConnectionGate, context: ConnectionContext) -> Any:
    connections = context.metered("event_stream", CANONICAL)

    @asgi("/v1/stream", copy_scope=False, opt=operation_opt(openapi.STREAM))
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        """Send the caller's log as server-sent events.

        The AsyncAPI document describes the frames.
        """
        if scope["type"] == ScopeType.WEBSOCKET:
            await problem.send_problem(
                send,
                400,
                "bad request",
                "use /v1/socket for a WebSocket",
                kind="websocket.http",
            )
        elif scope["method"] in ("GET", "HEAD"):
            transport = EventStreamTransport(
                connections.settings, connections.meter, scope, receive, send
            )
            protocol = CanonicalEventStream(gate, connections, transport)
            await EventStreamHandler(gate, transport, protocol).run()
        else:
            await problem.send_problem(send, 405, "method not allowed", "use GET for a stream")

    return stream
