"""Admission: who sends a request, looked up before its handler runs; and the tickets that take a token's place in an address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from msgspec import Struct
from tidings.edge.door import SCOPE
from tidings.edge.edge import Edge
from tidings.edge.guest import ADMIN
from tidings.runtime.credential import Arrival
from tidings.runtime.openapi import Operation, says
from tidings.runtime.web import json

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]

IDENTITY = "identity"
"""Where in a request's state a guard leaves who sent it."""


class Issued(Struct):
    """A ticket: for one connection, by `?ticket=` on /v1/socket or /v1/stream, from a page of the same origin."""

    ticket: str
    expires_in_seconds: int


TICKETS = Operation(Issued, scope="inbox", problems=(421,))


def inbox(edge: Edge) -> Guard:
    """Lets those in who may read an inbox; raises Unauthorised, Throttled or Unavailable."""
    return _guard(edge, edge.access.buckets("request", "requests"))


def anybody(edge: Edge) -> Guard:
    """Lets those in who may read an inbox or look after the tenant, whichever edge serves them; raises the same."""
    rate = edge.access.buckets("request", "requests")

    async def admitted(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        scope: Any = connection.scope
        scope["state"][IDENTITY] = await edge.access.admit(scope, rate, SCOPE, ADMIN)

    return admitted


def tickets(edge: Edge) -> Any:
    """The route that issues tickets."""

    @post(
        "/v1/tickets",
        status_code=200,
        guards=[_guard(edge, edge.access.buckets("ticket", "tickets"))],
        opt=says(TICKETS),
    )
    async def issue(request: Request[Any, Any, Any]) -> Response[bytes]:
        """A ticket for whoever cannot send a header, such as an EventSource; it works once and for seconds only."""
        arrival = Arrival.of(request.scope)
        arrival.check_origin(edge.access.origins)
        ticket = edge.door.tickets.issue(request.scope["state"][IDENTITY], arrival.origin)
        return json(
            Issued(ticket, edge.settings.ticket_seconds), headers={"Cache-Control": "no-store"}
        )

    return issue


def _guard(edge: Edge, rate: Any) -> Guard:
    async def admitted(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        scope: Any = connection.scope
        scope["state"][IDENTITY] = edge.door.serve(await edge.access.admit(scope, rate, SCOPE))

    return admitted
