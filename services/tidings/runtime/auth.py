"""Who is asking: the identity behind a request, and the ways in which it can be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
from tidings.contracts.subjects import Person

WHERE = "send a token: `Authorization: Bearer …`"

_jwt: Any = jwt
_encode: Callable[..., str] = _jwt.encode


class Unauthorised(Exception):
    """Who is asking is not known, or may not do this; `code` closes a WebSocket, `status` answers HTTP."""

    code = 4002
    status = 401


class NoToken(Unauthorised):
    """No token was sent."""

    code = 4001


class InvalidToken(Unauthorised):
    """The token is forged, malformed, expired or revoked."""


class MissingClaims(Unauthorised):
    """The token lacks a claim or scope that is needed."""

    code = 4003
    status = 403


class ForeignOrigin(Unauthorised):
    """The request comes from the page of an origin that may not send it."""

    code = 4003
    status = 403


class Identity(NamedTuple):
    """Who is asking, what they may do, until when and since when, and in which session (times in seconds since 1970)."""

    person: Person
    scopes: frozenset[str]
    expires: float
    issued: float = 0.0
    session: str | None = None

    def need(self, *scopes: str) -> Identity:
        """Itself, if it has the scope, or one of several; raises MissingClaims."""
        if self.scopes.isdisjoint(scopes):
            raise MissingClaims(
                f"the token needs the scope {' or '.join(f'`{scope}`' for scope in scopes)}"
            )
        return self


def bearer(header: str | None) -> str:
    """The token of an `Authorization: Bearer` header (RFC 6750); raises NoToken."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NoToken(WHERE)
    return token.strip()


def issue(
    person: Person, scopes: str, secret: str, now: float, seconds: float, **claims: Any
) -> str:
    """A token for development and tests, valid for so many seconds from now (seconds since 1970)."""
    told = {
        "sub": person.user,
        "tenant": person.tenant,
        "scope": scopes,
        "iat": int(now),
        "exp": int(now + seconds),
        **claims,
    }
    return _encode(told, secret, algorithm="HS256")
