"""Signatures of webhooks, as the Standard Webhooks have them (standardwebhooks.com, version v1)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence

from tidings.contracts.subjects import Person
from tidings.runtime.sealed import derive_key

PURPOSE = b"tidings webhook 1"
SECRET_PREFIX = "whsec_"


class WebhookSecrets:
    """Derives the secret of every endpoint from one master, so that none is stored."""

    def __init__(self, master: str) -> None:
        self._key = derive_key(master, PURPOSE)

    def secret_of(self, tenant: str, endpoint: str, generation: int) -> bytes:
        """Return the 32 bytes that sign what is sent to an endpoint; a rotation adds one to
        `generation`.
        """
        return self._secret("endpoint", tenant, endpoint, str(generation))

    def address_secret(self, person: Person, address: str, generation: int) -> bytes:
        """Return the 32 bytes that sign what is sent to a person's own address."""
        return self._secret("address", person.tenant, person.user, address, str(generation))

    def _secret(self, *names: str) -> bytes:
        return hmac.digest(self._key, "\0".join(names).encode(), hashlib.sha256)


def shown_secret(secret: bytes) -> str:
    """Return a secret as receivers enter it: `whsec_…`."""
    return SECRET_PREFIX + b64encode(secret).decode()


def signature_headers(
    secrets: Sequence[bytes], identifier: str, timestamp: int, body: bytes
) -> Mapping[str, str]:
    """Return the headers of a request: a signature by each secret, of which receivers know one.

    `identifier` is the same each time that a delivery is repeated; `timestamp` is in seconds.
    """
    signed = b"%b.%d.%b" % (identifier.encode(), timestamp, body)
    signatures = (
        f"v1,{b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"
        for secret in secrets
    )
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
