"""The routes of the dialects: the path of each product's front end."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from litestar import asgi
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send
from tidings.edge.connection.event_stream import EventStreamHandler, EventStreamTransport
from tidings.edge.connection.websocket import WebSocketHandler, WebSocketTransport
from tidings.edge.dialects import shared_requests
from tidings.edge.dialects.engine.dialect import Dialect
from tidings.edge.dialects.engine.hand_written import HandWrittenNotifications
from tidings.edge.dialects.engine.lists import DialectLists
from tidings.edge.dialects.engine.route_opt import socket_opt, stream_opt
from tidings.edge.dialects.engine.sent_positions import SentPositions
from tidings.edge.dialects.engine.socket import DialectWebSocket
from tidings.edge.dialects.engine.stream import DialectEventStream
from tidings.edge.dialects.products.barbershop import api as barbershop_api
from tidings.edge.dialects.products.barbershop import status as barbershop_status
from tidings.edge.dialects.products.barbershop.frames import Barbershop
from tidings.edge.dialects.products.chat.frames import Chat
from tidings.edge.dialects.products.field_service import api as field_service_api
from tidings.edge.dialects.products.field_service.frames import FieldService
from tidings.edge.dialects.products.incidents import api as incidents_api
from tidings.edge.dialects.products.incidents.frames import Incidents
from tidings.edge.dialects.products.incidents.inbox import IncidentInbox
from tidings.edge.dialects.products.volunteers import api as volunteers_api
from tidings.edge.dialects.products.volunteers.frames import Volunteers
from tidings.edge.dialects.tenants import TenantDialects
from tidings.edge.edge import Edge
from tidings.runtime.http import problem

SOCKETS: tuple[tuple[str, Dialect], ...] = (
    ("/ws", FieldService()),
    ("/api/v1/ws", Barbershop()),
    ("/ws/notifications", Chat()),
    ("/api/v1/ws/notifications", Incidents()),
)
STREAMS: tuple[tuple[str, Dialect], ...] = (("/notifications/stream", Volunteers()),)


def handlers(edge: Edge) -> list[Any]:
    """Return the route handlers of all dialects.

    The README beside this module describes what the OpenAPI document of the dialects leaves open.
    """
    sent_positions = SentPositions(edge.runtime, edge.acks, edge.log.epoch)
    lists, inbox_of = DialectLists(edge.log, edge.marks), edge.guards.inbox_of
    hand_written = HandWrittenNotifications(
        edge.access,
        edge.appender,
        edge.settings.subjects,
        edge.runtime.own_ids,
        edge.settings.linkable_hosts,
    )
    tenants = TenantDialects(edge.settings.dialect_by_tenant, edge.hub, edge.runtime.postgres)
    return [
        *(_socket(edge, sent_positions, path, dialect) for path, dialect in SOCKETS),
        *(_stream(edge, sent_positions, path, dialect) for path, dialect in STREAMS),
        *_sharing_products(edge, lists, hand_written, tenants),
        *_status(edge, tenants),
        *field_service_api.handlers(lists, inbox_of(FieldService.name)),
        *volunteers_api.handlers(lists, hand_written, inbox_of(Volunteers.name)),
    ]


def _sharing_products(
    edge: Edge,
    lists: DialectLists,
    hand_written: HandWrittenNotifications,
    tenants: TenantDialects,
) -> list[Any]:
    """Return the handlers under `/api/v1/notifications`: of one product, or of the tenant's."""
    inbox_of = edge.guards.inbox_of
    inbox = IncidentInbox(edge.log, edge.marks)
    requests = {
        Barbershop.name: shared_requests.barbershop_requests(lists),
        Incidents.name: shared_requests.incidents_requests(inbox),
    }
    return [
        *barbershop_api.handlers(lists, inbox_of(Barbershop.name)),
        *incidents_api.handlers(inbox, hand_written, inbox_of(Incidents.name)),
        *shared_requests.handlers(
            tenants, requests, inbox_of(shared_requests.dialect_of_defaults(edge.settings))
        ),
    ]


def _status(edge: Edge, tenants: TenantDialects) -> list[Any]:
    of_undecided = None if edge.settings.dialects else Barbershop.name

    async def select_barbershops(candidates: Set[str]) -> Set[str]:
        dialects = await tenants.dialects_of(candidates)
        return {
            tenant for tenant in candidates if dialects.get(tenant, of_undecided) == Barbershop.name
        }

    status = barbershop_status.PublicStatus(
        edge.presence.cluster.connection_counts,
        barbershop_status.Locations(edge.runtime.postgres).count_connections,
        edge.drain,
        select_barbershops,
    )
    return barbershop_status.handlers(status, public=edge.settings.public_status)


def _socket(edge: Edge, sent_positions: SentPositions, path: str, dialect: Dialect) -> Any:
    connections = edge.connections.metered("websocket", dialect.name)

    @asgi(path, copy_scope=False, opt=socket_opt(dialect.name), name=f"dialect {dialect.name}")
    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        """Send the caller's log over a WebSocket, in the product's frames."""
        if scope["type"] == ScopeType.WEBSOCKET:
            transport = WebSocketTransport(edge.settings, connections.meter, scope, receive, send)
            protocol = DialectWebSocket(
                edge.gate, connections, edge.marks, dialect, sent_positions, transport
            )
            await WebSocketHandler(edge.gate, transport, protocol).run()
        else:
            await problem.send_problem(
                send, 426, "upgrade required", "this path takes WebSockets only (RFC 6455)"
            )

    return socket


def _stream(edge: Edge, sent_positions: SentPositions, path: str, dialect: Dialect) -> Any:
    connections = edge.connections.metered("event_stream", dialect.name)

    @asgi(path, copy_scope=False, opt=stream_opt(dialect.name), name=f"dialect {dialect.name}")
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        """Send the caller's log as server-sent events, in the product's frames."""
        if scope["type"] == ScopeType.WEBSOCKET:
            await problem.send_problem(
                send,
                400,
                "bad request",
                "this path is an event stream; use GET",
                kind="websocket.http",
            )
        elif scope["method"] in ("GET", "HEAD"):
            transport = EventStreamTransport(edge.settings, connections.meter, scope, receive, send)
            protocol = DialectEventStream(
                edge.gate, connections, dialect, sent_positions, transport
            )
            await EventStreamHandler(edge.gate, transport, protocol).run()
        else:
            await problem.send_problem(send, 405, "method not allowed", "use GET for a stream")

    return stream
