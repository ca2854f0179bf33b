"""Tokens: JSON Web Tokens (RFC 7519), checked by the installation's secret or by a key that the issuer publishes (RFC 8725)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import jwt
import msgspec
from tidings.contracts.ids import ID_LIMIT_CHARACTERS, Id
from tidings.contracts.subjects import Person
from tidings.runtime.auth import Identity, InvalidToken, MissingClaims
from tidings.runtime.keyset import ALGORITHMS, KeySet
from tidings.runtime.settings import Settings

SYMMETRIC = "HS256"
PUBLISHED = tuple(ALGORITHMS.values())
REQUIRED = ["sub", "tenant", "scope", "exp"]
TOKEN_LIMIT_CHARACTERS = 8192
WORDS_LIMIT = 256

_jwt: Any = jwt
_decode: Callable[..., dict[str, Any]] = _jwt.decode
_header: Callable[[str], dict[str, Any]] = _jwt.get_unverified_header
FAULTS: tuple[tuple[type[jwt.InvalidTokenError], str], ...] = (
    (jwt.ExpiredSignatureError, "it has expired"),
    (jwt.InvalidSignatureError, "its signature is of another key"),
    (jwt.ImmatureSignatureError, "it is not valid yet"),
    (jwt.InvalidAudienceError, "it is for another audience"),
    (jwt.InvalidIssuerError, "it is from another issuer"),
    (jwt.InvalidAlgorithmError, "it is signed by an algorithm that is not accepted here"),
)
"""What is said of a token that is not valid; the first that fits."""

T = TypeVar("T")


class Demands(NamedTuple):
    """What a token must claim beside who it is for; lifetimes in seconds."""

    audience: tuple[str, ...] | None
    issuer: tuple[str, ...] | None
    leeway_seconds: float
    lifetime_limit_seconds: float


class Tokens:
    """Checks tokens. The secret checks HS256 only and a published key only its own algorithm, whatever a token's header says."""

    def __init__(self, settings: Settings, keys: KeySet | None) -> None:
        self._secret = settings.secret if settings.jwt_secret or not keys else None
        self._keys = keys
        self._demands = Demands(
            settings.audience,
            settings.issuer,
            settings.jwt_leeway_seconds,
            settings.token_lifetime_limit_seconds,
        )

    async def identity(self, token: str) -> Identity:
        """Who a token speaks for; raises InvalidToken, MissingClaims, or Unavailable if its key cannot be had now."""
        if len(token) > TOKEN_LIMIT_CHARACTERS:
            raise InvalidToken(f"the token has more than {TOKEN_LIMIT_CHARACTERS} characters")
        if self._keys is None:
            return identity_of(
                _checked(token, self._secret, SYMMETRIC, self._demands), self._demands, time.time()
            )
        header = _valid(lambda: _header(token))
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm == SYMMETRIC and self._secret:
            return identity_of(
                _checked(token, self._secret, SYMMETRIC, self._demands), self._demands, time.time()
            )
        if algorithm not in PUBLISHED:
            raise InvalidToken(f"the token's algorithm is not one of {', '.join(PUBLISHED)}")
        key = await self._keys.find(kid, algorithm)
        return identity_of(
            _checked(token, key.key, key.algorithm, self._demands), self._demands, time.time()
        )


def identity_of(claims: dict[str, Any], demands: Demands, now: float) -> Identity:
    """The identity that claims state; raises MissingClaims, or InvalidToken if they would hold too long.

    A token that does not say when it was issued counts as the oldest that can still hold: a revocation always reaches it.
    """
    expires = float(claims["exp"])
    issued = float(claims.get("iat", expires - demands.lifetime_limit_seconds))
    if (
        not math.isfinite(expires)
        or expires - min(issued, now) > demands.lifetime_limit_seconds + demands.leeway_seconds
    ):
        raise InvalidToken(
            f"the token holds for more than {demands.lifetime_limit_seconds:.0f} seconds"
        )
    person = Person(_id(claims, "tenant"), _id(claims, "sub"))
    session = next(
        (_id(claims, name) for name in ("sid", "jti") if claims.get(name) is not None), None
    )
    return Identity(person, _scopes(claims), expires, issued, session)


def _checked(token: str, key: Any, algorithm: str, demands: Demands) -> dict[str, Any]:
    return _valid(
        lambda: _decode(
            token,
            key,
            algorithms=[algorithm],
            audience=demands.audience,
            issuer=demands.issuer,
            leeway=demands.leeway_seconds,
            options={"require": REQUIRED},
        )
    )


def _valid(read: Callable[[], T]) -> T:
    try:
        return read()
    except jwt.MissingRequiredClaimError as error:
        raise MissingClaims(f"the token needs the claim `{error.claim}`") from None
    except jwt.InvalidTokenError as error:
        raise InvalidToken(f"the token is not valid: {_fault(error)}") from None


def _fault(error: jwt.InvalidTokenError) -> str:
    """What is wrong with a token, in words."""
    return next(
        (words for kind, words in FAULTS if isinstance(error, kind)), "it is no JWT (RFC 7519)"
    )


def _id(claims: dict[str, Any], name: str) -> str:
    try:
        value: str = msgspec.convert(claims[name], Id)
        value.encode()
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise MissingClaims(
            f"the token's claim `{name}` must be an id: 1 to {ID_LIMIT_CHARACTERS} characters, none of control"
        ) from None
    return value


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    scope = claims["scope"]
    if not isinstance(scope, str):
        raise MissingClaims("the token's claim `scope` must be words separated by blanks")
    return _words(scope)


@lru_cache(maxsize=WORDS_LIMIT)
def _words(scope: str) -> frozenset[str]:
    return frozenset(scope.split())
