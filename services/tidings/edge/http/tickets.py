"""The route that issues tickets, which replace the token in the URL of a connection."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from msgspec import Struct
from tidings.edge.connection.gate import ConnectionGate
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.idempotency.middleware import UNSTORED_OPT
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.web import json_response


class IssuedTicket(Struct):
    """A ticket for one connection of the same origin: `/v1/socket?ticket=…` or `/v1/stream`."""

    ticket: str
    expires_in_seconds: int


TICKETS = Operation(IssuedTicket, scope="inbox", problems=(421,))


def handler(gate: ConnectionGate, guard: Guard) -> Any:
    """Return the route handler of tickets."""

    @post("/v1/tickets", status_code=200, guards=[guard], opt=operation_opt(TICKETS) | UNSTORED_OPT)
    async def issue(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Issue a ticket for a client that cannot send headers, such as an EventSource.

        A ticket is valid once, and for seconds only: an idempotency key has no effect here.
        """
        ticket = gate.issue_ticket(gate.handshake_of(request.scope), identity_of(request))
        issued = IssuedTicket(ticket, gate.ticket_ttl_seconds)
        return json_response(issued, headers={"Cache-Control": "no-store"})

    return issue
