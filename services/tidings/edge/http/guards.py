"""Guards: authenticate and rate-limit the sender of a request before its handler runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from tidings.contracts.subjects import Person
from tidings.edge.connection.gate import INBOX_SCOPE, ConnectionGate
from tidings.edge.presence.session import ADMIN
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.identity import Identity
from tidings.runtime.http.rate import Buckets

AnyConnection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]

IDENTITY = "identity"
"""The key in a request's state under which a guard stores the sender's identity."""


class Guards(NamedTuple):
    """The guards of an edge's routes; each raises Unauthorised, RateExceeded or Unavailable."""

    inbox: Guard
    """Admits users who may read an inbox, if this edge serves them."""
    tenant: Guard
    """Admits users who may read an inbox or administer the tenant, whichever edge serves them."""
    tickets: Guard
    """Admits users who may be issued a ticket; counts against a separate rate."""
    inbox_of: Callable[[str | None], Guard]
    """Return a guard as `inbox` for the paths of a dialect, None if several share them."""


def make_guards(access: Access, gate: ConnectionGate) -> Guards:
    """Return guards that share one request allowance for each user."""
    # Functions, not methods: Litestar deep-copies what a route holds; a bound method would make it
    # copy the whole edge.
    requests: Buckets[Person] | None = access.shared_buckets("request")
    ticket_requests: Buckets[Person] | None = access.shared_buckets("ticket")

    async def admit(
        connection: AnyConnection,
        rate: Buckets[Person] | None,
        *scopes: str,
        dialect: str | None = None,
    ) -> Identity:
        scope: Any = connection.scope
        identity = await access.authorize_request(scope, rate, *scopes, dialect=dialect)
        scope["state"][IDENTITY] = identity
        return identity

    def inbox_of(dialect: str | None) -> Guard:
        async def admit_to_inbox(connection: AnyConnection, _: BaseRouteHandler) -> None:
            gate.require_served(await admit(connection, requests, INBOX_SCOPE, dialect=dialect))

        return admit_to_inbox

    async def admit_to_tenant(connection: AnyConnection, _: BaseRouteHandler) -> None:
        await admit(connection, requests, INBOX_SCOPE, ADMIN)

    async def admit_to_tickets(connection: AnyConnection, _: BaseRouteHandler) -> None:
        gate.require_served(await admit(connection, ticket_requests, INBOX_SCOPE))

    return Guards(inbox_of(None), admit_to_tenant, admit_to_tickets, inbox_of)


def identity_of(request: Request[Any, Any, Any]) -> Identity:
    """Return the identity of the sender of a request that a guard has admitted."""
    return request.scope["state"][IDENTITY]
