"""Return paths: the address that a mail's bounce goes to names the delivery, and proves it."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32decode, b32encode
from binascii import Error
from uuid import UUID

from tidings.runtime.sealed import derive_key

PURPOSE = b"tidings return path 1"
PROOF_BYTES = 16
ID_BYTES = 16
PADDING = "======"
UNSUBSCRIBE_SUBJECT = "unsubscribe"
"""Subject of a mail to the address that turns off what the delivery was about."""


class ReturnPaths:
    """Makes and reads addresses such as `bounces+<token>@example.org`.

    The token is 52 characters of `[a-z2-7]`: it fits the 64 of RFC 5321 (section 4.5.3.1.1) beside
    a short name, and survives a server that changes the case of letters.
    """

    def __init__(self, secret: str, address: str) -> None:
        self._key = derive_key(secret, PURPOSE)
        self._name, _, self._domain = address.lower().rpartition("@")

    def address_for(self, delivery: str) -> str:
        """Return the address that the bounce of a delivery goes to."""
        identifier = UUID(delivery).bytes
        token = b32encode(identifier + self._proof(identifier)).decode().rstrip("=").lower()
        return f"{self._name}+{token}@{self._domain}"

    def delivery_of(self, address: str) -> str | None:
        """Return the delivery that an address names, None if the address was not made here."""
        local, _, domain = address.strip(" <>").rpartition("@")
        name, _, token = local.rpartition("+")
        if (name.lower(), domain.lower()) != (self._name, self._domain):
            return None
        try:
            content = b32decode(token.upper() + PADDING[: -len(token) % 8])
        except (Error, ValueError):
            return None
        identifier, proof = content[:ID_BYTES], content[ID_BYTES:]
        if len(identifier) < ID_BYTES or not hmac.compare_digest(self._proof(identifier), proof):
            return None
        return str(UUID(bytes=identifier))

    def _proof(self, identifier: bytes) -> bytes:
        return hmac.digest(self._key, identifier, hashlib.sha256)[:PROOF_BYTES]
