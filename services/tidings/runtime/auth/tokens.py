"""Tokens: verify JSON Web Tokens (RFC 7519, RFC 8725) by our secret or the issuer's keys."""

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
from tidings.runtime.auth.identity import Identity, InvalidToken, MissingClaims
from tidings.runtime.auth.keyset import ALGORITHMS, KeySet
from tidings.runtime.settings import Settings

SYMMETRIC = "HS256"
PUBLISHED_ALGORITHMS = tuple(ALGORITHMS.values())
REQUIRED_CLAIMS = ["sub", "tenant", "scope", "exp"]
TOKEN_LIMIT_CHARACTERS = 8192
SCOPE_CACHE_SIZE = 256

_jwt: Any = jwt
_decode: Callable[..., dict[str, Any]] = _jwt.decode
_header: Callable[[str], dict[str, Any]] = _jwt.get_unverified_header
FAULT_MESSAGES: tuple[tuple[type[jwt.InvalidTokenError], str], ...] = (
    (jwt.ExpiredSignatureError, "it has expired"),
    (jwt.InvalidSignatureError, "its signature is of another key"),
    (jwt.ImmatureSignatureError, "it is not valid yet"),
    (jwt.InvalidAudienceError, "it is for another audience"),
    (jwt.InvalidIssuerError, "it is from another issuer"),
    (jwt.InvalidAlgorithmError, "it is signed by an algorithm that is not accepted here"),
)
"""The message for each error of PyJWT; the first whose type matches."""

T = TypeVar("T")


class TokenRequirements(NamedTuple):
    """Requirements on claims beside the identity; lifetimes in seconds."""

    audience: tuple[str, ...] | None
    issuer: tuple[str, ...] | None
    leeway_seconds: float
    lifetime_limit_seconds: float


class Tokens:
    """Verifies tokens.

    The secret verifies HS256 only and a published key its own algorithm only, whatever the token's
    header says: otherwise a public key could be used as an HS256 secret (RFC 8725, section 2.1).
    """

    def __init__(self, settings: Settings, keys: KeySet | None) -> None:
        self._secret = settings.secret if settings.jwt_secret or not keys else None
        self._keys = keys
        self._requirements = TokenRequirements(
            settings.audience,
            settings.issuer,
            settings.jwt_leeway_seconds,
            settings.token_lifetime_limit_seconds,
        )

    async def identity(self, token: str) -> Identity:
        """Return the identity of a token; raises InvalidToken, MissingClaims or Unavailable."""
        if len(token) > TOKEN_LIMIT_CHARACTERS:
            raise InvalidToken(f"the token has more than {TOKEN_LIMIT_CHARACTERS} characters")
        if self._keys is None:
            return identity_of(
                _decode_claims(token, self._secret, SYMMETRIC, self._requirements),
                self._requirements,
                time.time(),
            )
        header = _raise_as_ours(lambda: _header(token))
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm == SYMMETRIC and self._secret:
            return identity_of(
                _decode_claims(token, self._secret, SYMMETRIC, self._requirements),
                self._requirements,
                time.time(),
            )
        if algorithm not in PUBLISHED_ALGORITHMS:
            raise InvalidToken(
                f"the token's algorithm is not one of {', '.join(PUBLISHED_ALGORITHMS)}"
            )
        key = await self._keys.find_key(kid, algorithm)
        return identity_of(
            _decode_claims(token, key.key, key.algorithm, self._requirements),
            self._requirements,
            time.time(),
        )


def identity_of(claims: dict[str, Any], requirements: TokenRequirements, now: float) -> Identity:
    """Return the identity of verified claims; raises MissingClaims, or InvalidToken if too long.

    A token without `iat` counts as issued as early as possible, so that every revocation hits it.
    """
    expires = float(claims["exp"])
    issued = float(claims.get("iat", expires - requirements.lifetime_limit_seconds))
    if (
        not math.isfinite(expires)
        or expires - min(issued, now)
        > requirements.lifetime_limit_seconds + requirements.leeway_seconds
    ):
        raise InvalidToken(
            f"the token is valid for more than {requirements.lifetime_limit_seconds:.0f} seconds"
        )
    person = Person(_claimed_id(claims, "tenant"), _claimed_id(claims, "sub"))
    session = next(
        (_claimed_id(claims, name) for name in ("sid", "jti") if claims.get(name) is not None), None
    )
    return Identity(person, _scopes_of(claims), expires, issued, session)


def _decode_claims(
    token: str, key: Any, algorithm: str, demands: TokenRequirements
) -> dict[str, Any]:
    return _raise_as_ours(
        lambda: _decode(
            token,
            key,
            algorithms=[algorithm],
            audience=demands.audience,
            issuer=demands.issuer,
            leeway=demands.leeway_seconds,
            options={"require": REQUIRED_CLAIMS},
        )
    )


def _raise_as_ours(read: Callable[[], T]) -> T:
    try:
        return read()
    except jwt.MissingRequiredClaimError as error:
        raise MissingClaims(f"the token needs the claim `{error.claim}`") from None
    except jwt.InvalidTokenError as error:
        raise InvalidToken(f"the token is not valid: {_fault_message(error)}") from None


def _fault_message(error: jwt.InvalidTokenError) -> str:
    """Return the message for an error of PyJWT."""
    return next(
        (message for kind, message in FAULT_MESSAGES if isinstance(error, kind)),
        "it is not a JWT (RFC 7519)",
    )


def _claimed_id(claims: dict[str, Any], name: str) -> str:
    try:
        value: str = msgspec.convert(claims[name], Id)
        value.encode()
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise MissingClaims(
            f"the token's claim `{name}` must be an id: 1 to {ID_LIMIT_CHARACTERS} characters,"
            " no control characters"
        ) from None
    return value


def _scopes_of(claims: dict[str, Any]) -> frozenset[str]:
    scope = claims["scope"]
    if not isinstance(scope, str):
        raise MissingClaims("the token's claim `scope` must be words separated by spaces")
    return _split_scope(scope)


@lru_cache(maxsize=SCOPE_CACHE_SIZE)
def _split_scope(scope: str) -> frozenset[str]:
    return frozenset(scope.split())
