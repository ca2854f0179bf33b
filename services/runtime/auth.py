"""Authentication: a JSON Web Token (RFC 7519) says who is asking, for which tenant, and what they may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
import msgspec

from contracts.ids import ID_LIMIT_CHARACTERS, Id
from contracts.subjects import Person

ALGORITHMS = ["HS256"]
REQUIRED = ["sub", "tenant", "scope", "exp"]
LEEWAY_SECONDS = 5


_jwt: Any = jwt  # its types name those of a package that HS256 does not need
_decode: Callable[..., dict[str, Any]] = _jwt.decode
_encode: Callable[..., str] = _jwt.encode


class Unauthorised(Exception):
    """Who is asking is not known, or may not do this; `code` closes a WebSocket, `status` answers HTTP."""

    code = 4002
    status = 401


class NoToken(Unauthorised):
    """No token was sent."""

    code = 4001


class InvalidToken(Unauthorised):
    """The token is forged, malformed or expired."""


class MissingClaims(Unauthorised):
    """The token lacks a claim or scope that is needed."""

    code = 4003
    status = 403


class Identity(NamedTuple):
    """Who is asking, what they may do, and until when (seconds since 1970)."""

    person: Person
    scopes: frozenset[str]
    expires: float

    def need(self, scope: str) -> Identity:
        """Itself, if it has the scope; raises MissingClaims."""
        if scope not in self.scopes:
            raise MissingClaims(f"the token needs the scope `{scope}`")
        return self


def authenticate(token: str, secret: str) -> Identity:
    """Who a token speaks for; raises InvalidToken or MissingClaims."""
    try:
        claims = _decode(token, secret, algorithms=ALGORITHMS, leeway=LEEWAY_SECONDS, options={"require": REQUIRED})
    except jwt.MissingRequiredClaimError as error:
        raise MissingClaims(f"the token needs the claim `{error.claim}`") from None
    except jwt.InvalidTokenError as error:
        raise InvalidToken(f"the token is not valid: {type(error).__name__}") from None
    return Identity(Person(_id(claims, "tenant"), _id(claims, "sub")), _scopes(claims), float(claims["exp"]))


def bearer(header: str | None) -> str:
    """The token of an `Authorization: Bearer` header (RFC 6750); raises NoToken."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NoToken("send a token: `Authorization: Bearer …`")
    return token.strip()


def _id(claims: dict[str, Any], name: str) -> str:
    try:
        value: str = msgspec.convert(claims[name], Id)
        value.encode()
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise MissingClaims(f"the token's claim `{name}` must be an id: 1 to {ID_LIMIT_CHARACTERS} characters, none of control") from None
    return value


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    scope = claims["scope"]
    if not isinstance(scope, str):
        raise MissingClaims("the token's claim `scope` must be words separated by blanks")
    return frozenset(scope.split())


def issue(person: Person, scopes: str, secret: str, now: float, seconds: float) -> str:
    """A token for development and tests, valid for so many seconds from now (seconds since 1970)."""
    claims = {"sub": person.user, "tenant": person.tenant, "scope": scopes, "iat": int(now), "exp": int(now + seconds)}
    return _encode(claims, secret, algorithm=ALGORITHMS[0])
