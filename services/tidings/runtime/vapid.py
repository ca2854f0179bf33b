"""VAPID: the key pair by which push services know who sends (RFC 8292)."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tidings.contracts.text_forms import EMAIL_ADDRESS
from tidings.runtime.errors import InvalidSettings

PRIVATE_KEY_BYTES = 32
UNREAL_HOSTS = ("localhost", "invalid", "test", "example")
"""Top-level names that belong to nobody (RFC 6761): push services refuse them."""
SUBJECT_EXAMPLE = "mailto:operator@your-domain.org or https://your-domain.org/contact"


class VapidKey:
    """A private key of the curve P-256; raises InvalidSettings if a text is none."""

    def __init__(self, text: str) -> None:
        self.private = _parse_key(text)

    @property
    def public_text(self) -> str:
        """The public key as browsers and push services take it: a point in base64url."""
        public = self.private.public_key()
        return _encode(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def new_vapid_key() -> str:
    """Return a new private key: 32 bytes in base64url."""
    number = generate_private_key(SECP256R1()).private_numbers().private_value
    return _encode(number.to_bytes(PRIVATE_KEY_BYTES))


def check_vapid_subject(subject: str) -> str:
    """Return how push services reach the operator; raises InvalidSettings if they cannot."""
    host = _host_of(subject)
    if host is None:
        fault = "is not an address by `mailto:` or `https:`"
    elif "." not in host or host.rpartition(".")[2] in UNREAL_HOSTS:
        fault = f"names `{host}`, where nobody can be reached; push services refuse it"
    else:
        return subject
    raise InvalidSettings(f"TIDINGS_VAPID_SUBJECT: `{subject}` {fault}; give {SUBJECT_EXAMPLE}")


def _host_of(subject: str) -> str | None:
    """Return the host of a subject in lower case, None if it is not a subject."""
    if subject.startswith("mailto:"):
        address = subject.removeprefix("mailto:")
        return address.rpartition("@")[2].lower() if EMAIL_ADDRESS.fits(address) else None
    try:
        parts = urlsplit(subject)
        return parts.hostname if parts.scheme == "https" and not parts.username else None
    except ValueError:
        return None


def _parse_key(text: str) -> EllipticCurvePrivateKey:
    try:
        secret = urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
        if len(secret) == PRIVATE_KEY_BYTES:
            return derive_private_key(int.from_bytes(secret), SECP256R1())
    except (binascii.Error, ValueError):
        pass
    raise InvalidSettings(
        "TIDINGS_VAPID_PRIVATE_KEY is not a private key: it needs 32 bytes of the curve P-256 in"
        " base64url; `tidings keys vapid` prints a pair"
    )


def _encode(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
