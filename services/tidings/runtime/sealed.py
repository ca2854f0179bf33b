"""Sealed values: encrypted tokens that only this installation can make and read."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from typing import Generic, TypeVar

import msgspec
from cryptography.fernet import Fernet, InvalidToken

TOKEN_LIMIT_CHARACTERS = 4096

Value = TypeVar("Value")


class InvalidSeal(ValueError):
    """A token was forged, cut, sealed for another purpose or by another secret, or is too old."""


def derive_key(secret: str, purpose: bytes) -> bytes:
    """Return the 32 bytes that a secret gives for one purpose (HMAC-SHA-256)."""
    return hmac.digest(secret.encode(), purpose, hashlib.sha256)


class Seal(Generic[Value]):
    """Seals and opens values of one type for one purpose (Fernet: AES-128-CBC, HMAC-SHA-256).

    Each purpose has a key of its own, so that a token never serves another one.
    """

    def __init__(self, secret: str, purpose: bytes, kind: type[Value]) -> None:
        self._cipher = Fernet(urlsafe_b64encode(derive_key(secret, purpose)))
        self._decoder = msgspec.msgpack.Decoder(kind)

    def seal_value(self, value: Value, now: int) -> str:
        """Return a token of `[A-Za-z0-9_=-]`; it holds the moment, in seconds since 1970."""
        return self._cipher.encrypt_at_time(msgspec.msgpack.encode(value), now).decode()

    def open_token(self, token: str, ttl_seconds: int | None = None, now: int = 0) -> Value:
        """Return the value of a token of any age, or of `ttl_seconds`; raises InvalidSeal."""
        try:
            if len(token) > TOKEN_LIMIT_CHARACTERS:
                raise InvalidToken
            content = (
                self._cipher.decrypt(token)
                if ttl_seconds is None
                else self._cipher.decrypt_at_time(token, ttl_seconds, now)
            )
            return self._decoder.decode(content)
        except (InvalidToken, msgspec.DecodeError, ValueError):
            raise InvalidSeal("the token is not valid here") from None
