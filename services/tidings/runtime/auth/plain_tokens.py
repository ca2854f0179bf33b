"""Plain tokens: read the claims of the usual HS256 tokens, with a key that is prepared once.

What is read here is what PyJWT would return. Every other token is left to PyJWT, which says what
is wrong with it, or reads what is not usual; it prepares the key anew for each token, which takes
most of the time of a check.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import Any, NamedTuple, cast

import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm
from tidings.runtime.errors import InvalidSettings

SYMMETRIC = "HS256"
PLAIN_HEADER_FIELDS = frozenset(("alg", "typ", "kid"))
HEADER_CACHE_SIZE = 64

_hmac: Any = HMACAlgorithm(HMACAlgorithm.SHA256)


class TokenRequirements(NamedTuple):
    """Requirements on claims beside the identity; lifetimes in seconds."""

    audience: tuple[str, ...] | None
    issuer: tuple[str, ...] | None
    leeway_seconds: float
    lifetime_limit_seconds: float

    def are_plainly_met(self, claims: dict[str, Any], now: float) -> bool:
        """Return whether PyJWT would accept the claims; False also if only PyJWT can tell."""
        leeway = self.leeway_seconds
        expires, issued, begins = claims.get("exp"), claims.get("iat", 0), claims.get("nbf", 0)
        return (
            _is_time(expires)
            and int(cast("float", expires)) > now - leeway
            and all(_is_time(at) and int(at) <= now + leeway for at in (issued, begins))
            and (self.issuer is None or claims.get("iss") in self.issuer)
            and (
                "aud" not in claims if self.audience is None else claims.get("aud") in self.audience
            )
        )


class PlainTokens:
    """Verifies tokens of the usual form that the secret signed."""

    def __init__(self, secret: str, requirements: TokenRequirements) -> None:
        try:
            self._key = _hmac.prepare_key(secret)
        except jwt.InvalidKeyError as error:
            raise InvalidSettings(f"TIDINGS_JWT_SECRET is not a secret: {error}") from None
        self._requirements = requirements

    def claims_of(self, token: str, now: float) -> dict[str, Any] | None:
        """Return the claims of a valid token, None for one that PyJWT must judge."""
        parts = token.split(".", 3)
        if len(parts) != 3 or not token.isascii() or not _is_plain_header(parts[0]):
            return None
        payload, signature = _decode_part(parts[1]), _decode_part(parts[2])
        signed = token[: -len(parts[2]) - 1].encode()
        if payload is None or signature is None or not _hmac.verify(signed, self._key, signature):
            return None
        try:
            claims: Any = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not isinstance(claims, dict):
            return None
        fields = cast("dict[str, Any]", claims)
        return fields if self._requirements.are_plainly_met(fields, now) else None


@lru_cache(maxsize=HEADER_CACHE_SIZE)
def _is_plain_header(part: str) -> bool:
    """Return whether a header says HS256, and nothing that changes how its token is read."""
    try:
        header: Any = msgspec.json.decode(_decode_part(part) or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    if not isinstance(header, dict):
        return False
    fields = cast("dict[str, Any]", header)
    return (
        PLAIN_HEADER_FIELDS.issuperset(fields)
        and fields.get("alg") == SYMMETRIC
        and isinstance(fields.get("kid", ""), str)
    )


def _decode_part(part: str) -> bytes | None:
    """Decode a part (base64url, RFC 7515); None if it is spelled in any but the one right way."""
    encoded = part.encode()
    try:
        decoded = urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    except ValueError:
        return None
    return decoded if urlsafe_b64encode(decoded).rstrip(b"=") == encoded else None


def _is_time(value: object) -> bool:
    return type(value) is int or type(value) is float
