"""Guards: authenticate and rate-limit the sender of a request before its handler runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from tidings.contracts.subjects import Person
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.identity import Identity
from tidings.runtime.http.rate import Buckets

AnyConnection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]

INBOX_SCOPE = "inbox"
IDENTITY = "identity"
"""The key in a request's state under which a guard stores the sender's identity."""


def make_guard(access: Access, *scopes: str) -> Guard:
    """Return a guard that admits who has one of the scopes, whichever process serves them.

    It raises Unauthorised, RateExceeded or Unavailable. All guards share one request allowance for
    each user.
    """
    # A function, not a method: Litestar deep-copies what a route holds.
    requests: Buckets[Person] | None = access.shared_buckets("request")

    async def admit_sender(connection: AnyConnection, _: BaseRouteHandler) -> None:
        await admit(access, connection, requests, *scopes)

    return admit_sender


async def admit(
    access: Access,
    connection: AnyConnection,
    rate: Buckets[Person] | None,
    *scopes: str,
    dialect: str | None = None,
) -> Identity:
    """Return the sender's identity and keep it in the request's state.

    Raises what `Access.authorize_request` raises.
    """
    scope: Any = connection.scope
    identity = await access.authorize_request(scope, rate, *scopes, dialect=dialect)
    scope["state"][IDENTITY] = identity
    return identity


def identity_of(request: Request[Any, Any, Any]) -> Identity:
    """Return the identity of the sender of a request that a guard has admitted."""
    return request.scope["state"][IDENTITY]
