"""Tokens: verify JSON Web Tokens (RFC 7519, RFC 8725) by our secret or the issuer's keys."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

import jwt
from tidings.runtime.auth.claims import ClaimRules, dialect_in, person_in, scopes_in, session_in
from tidings.runtime.auth.identity import Identity, InvalidToken, MissingClaims
from tidings.runtime.auth.keyset import ALGORITHMS, KeySet
from tidings.runtime.auth.plain_tokens import SYMMETRIC, PlainTokens, TokenRequirements
from tidings.runtime.settings import Settings

TIME_CLAIMS = ("exp", "iat", "nbf")
PUBLISHED_ALGORITHMS = tuple(ALGORITHMS.values())
TOKEN_LIMIT_CHARACTERS = 8192
DECODE_OPTIONS = {"require": ["exp"], "verify_sub": False, "verify_jti": False}
"""`claims.py` checks `sub` and `jti`: PyJWT would refuse integers."""

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
        self._plain = PlainTokens(self._secret, self._requirements) if self._secret else None
        self._rules = ClaimRules.from_settings(settings)

    async def identity(self, token: str, dialect: str | None = None) -> Identity:
        """Return the identity of a token; raises InvalidToken, MissingClaims or Unavailable.

        `dialect` is that of the path at which the token is used, for the defaults of its claims.
        """
        if len(token) > TOKEN_LIMIT_CHARACTERS:
            raise InvalidToken(f"the token has more than {TOKEN_LIMIT_CHARACTERS} characters")
        now = time.time()
        claims = self._plain.claims_of(token, now) if self._plain else None
        if claims is None:
            claims = await self._verified_claims(token)
        return identity_of(claims, self._requirements, self._rules, dialect, now)

    async def _verified_claims(self, token: str) -> dict[str, Any]:
        if self._keys is None:
            return _decode_claims(token, self._secret, SYMMETRIC, self._requirements)
        header = _raise_as_ours(lambda: _header(token))
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm == SYMMETRIC and self._secret:
            return _decode_claims(token, self._secret, SYMMETRIC, self._requirements)
        if algorithm not in PUBLISHED_ALGORITHMS:
            raise InvalidToken(
                f"the token's algorithm is not one of {', '.join(PUBLISHED_ALGORITHMS)}"
            )
        key = await self._keys.find_key(kid, algorithm)
        return _decode_claims(token, key.key, key.algorithm, self._requirements)


def identity_of(
    claims: dict[str, Any],
    requirements: TokenRequirements,
    rules: ClaimRules,
    dialect: str | None,
    now: float,
) -> Identity:
    """Return the identity of verified claims; raises MissingClaims or InvalidToken.

    A token without `iat` counts as issued as early as possible, so that every revocation hits it.
    """
    _check_types(claims)
    try:
        expires = float(claims["exp"])
        issued = float(claims.get("iat", expires - requirements.lifetime_limit_seconds))
    except OverflowError:
        raise InvalidToken("the token is not valid: `exp` or `iat` is no time") from None
    if (
        not math.isfinite(expires)
        or expires - min(issued, now)
        > requirements.lifetime_limit_seconds + requirements.leeway_seconds
    ):
        raise InvalidToken(
            f"the token is valid for more than {requirements.lifetime_limit_seconds:.0f} seconds"
        )
    return Identity(
        person_in(claims, rules, dialect),
        scopes_in(claims, rules, dialect),
        expires,
        issued,
        session_in(claims),
        dialect_in(claims),
    )


def _check_types(claims: dict[str, Any]) -> None:
    """Raise InvalidToken if a registered claim has not the type of RFC 7519, section 4.1.

    PyJWT converts some values and skips some checks for others, such as an empty audience.
    """
    for name in TIME_CLAIMS:
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidToken(f"the token is not valid: `{name}` is no time")
    audience, issuer = claims.get("aud", ""), claims.get("iss", "")
    audiences = cast("list[Any]", audience) if isinstance(audience, list) else [audience]
    if not all(isinstance(each, str) for each in (issuer, *audiences)):
        raise InvalidToken("the token is not valid: `iss` is text, `aud` text or a list of texts")


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
            options=DECODE_OPTIONS,
        )
    )


def _raise_as_ours(read: Callable[[], T]) -> T:
    try:
        return read()
    except jwt.MissingRequiredClaimError as error:
        raise MissingClaims(f"the token has no claim `{error.claim}`: add it") from None
    except jwt.InvalidTokenError as error:
        raise InvalidToken(f"the token is not valid: {_fault_message(error)}") from None


def _fault_message(error: jwt.InvalidTokenError) -> str:
    """Return the message for an error of PyJWT."""
    return next(
        (message for kind, message in FAULT_MESSAGES if isinstance(error, kind)),
        "it is not a JWT (RFC 7519)",
    )
