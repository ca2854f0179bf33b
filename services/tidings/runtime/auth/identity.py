"""Identity: the sender of a request, and the errors that refuse one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
from tidings.contracts.subjects import Person

TOKEN_HINT = "send a token: `Authorization: Bearer …`"

_jwt: Any = jwt
_encode: Callable[..., str] = _jwt.encode


class Unauthorised(Exception):
    """The sender is unknown or lacks a right; `code` closes a WebSocket, `status` answers HTTP."""

    code = 4002
    status = 401


class NoToken(Unauthorised):
    """The request has no token."""

    code = 4001


class InvalidToken(Unauthorised):
    """The token is forged, malformed, expired or revoked."""


class MissingClaims(Unauthorised):
    """The token lacks a claim or scope that the request needs."""

    code = 4003
    status = 403


class ForeignOrigin(Unauthorised):
    """The page that sends the request has an origin that is not allowed."""

    code = 4003
    status = 403


class Identity(NamedTuple):
    """Person, scopes, validity and session of a token; times are seconds since 1970.

    `dialect`: the product of the person's tenant, if the token states it.
    """

    person: Person
    scopes: frozenset[str]
    expires_at: float
    issued_at: float = 0.0
    session: str | None = None
    dialect: str | None = None

    def require_scope(self, *scopes: str) -> Identity:
        """Return itself if it has one of the scopes; raises MissingClaims."""
        if self.scopes.isdisjoint(scopes):
            names = " or ".join(f"`{scope}`" for scope in scopes)
            raise MissingClaims(f"the token needs the scope {names}")
        return self


def bearer_token(header: str | None) -> str:
    """Return the token of an `Authorization: Bearer` header (RFC 6750); raises NoToken."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NoToken(TOKEN_HINT)
    return token.strip()


def issue_token(
    person: Person, scopes: str, secret: str, now: float, seconds: float, **claims: Any
) -> str:
    """Sign a token for development and tests, valid from `now` (since 1970) for `seconds`."""
    payload = {
        "sub": person.user,
        "tenant": person.tenant,
        "scope": scopes,
        "iat": int(now),
        "exp": int(now + seconds),
        **claims,
    }
    return _encode(payload, secret, algorithm="HS256")
