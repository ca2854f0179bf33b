"""Tokens made by hand: with any claims, good or bad."""

from __future__ import annotations

import base64
from typing import Any

import jwt

from tests.driver import SECRET


def sign_token(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    """Sign a token with these claims, leaving out those that are None."""
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, secret, algorithm=algorithm)


def encode_part(value: bytes) -> str:
    """Encode a part of a JWT: base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
