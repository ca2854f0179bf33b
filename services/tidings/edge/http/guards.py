"""The guards of an edge: those that also check that this edge serves the sender."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from litestar.handlers import BaseRouteHandler
from tidings.contracts.subjects import Person
from tidings.edge.connection.gate import ConnectionGate
from tidings.edge.presence.session import ADMIN
from tidings.runtime.auth.access import Access
from tidings.runtime.http.guards import INBOX_SCOPE, AnyConnection, Guard, admit, make_guard
from tidings.runtime.http.rate import Buckets


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

    def inbox_of(dialect: str | None) -> Guard:
        async def admit_to_inbox(connection: AnyConnection, _: BaseRouteHandler) -> None:
            identity = await admit(access, connection, requests, INBOX_SCOPE, dialect=dialect)
            gate.require_served(identity)

        return admit_to_inbox

    async def admit_to_tickets(connection: AnyConnection, _: BaseRouteHandler) -> None:
        gate.require_served(await admit(access, connection, ticket_requests, INBOX_SCOPE))

    return Guards(
        inbox_of(None), make_guard(access, INBOX_SCOPE, ADMIN), admit_to_tickets, inbox_of
    )
