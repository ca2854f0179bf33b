"""The forms of addresses: one mailbox, an address of the web by https, keys of a push service."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import urlsplit

from tidings.contracts.text_forms import EMAIL_ADDRESS

ADDRESS_LIMIT_CHARACTERS = 2048
EMAIL_LIMIT_CHARACTERS = EMAIL_ADDRESS.limit_characters
TOKEN_LIMIT_CHARACTERS = 4096
TOKEN_PATTERN = r"^[A-Za-z0-9_:./+=-]+\Z"
DOMAIN_LABEL_LIMIT_CHARACTERS = 63
HTTPS_PORT = 443
FIRST_FREE_PORT = 1024
"""The ports below are those of other services, such as 22 and 25."""
NOT_A_WEB_ADDRESS = (
    "must be an address by https without user, password and fragment, of at most"
    f" {ADDRESS_LIMIT_CHARACTERS} characters; its port is 443 or above 1023"
)
WEB_ADDRESS: dict[str, Any] = {
    "minLength": 1,
    "maxLength": ADDRESS_LIMIT_CHARACTERS,
    "pattern": r"^https://[^\x00-\x20\x7f\\@#/?]+(?:[/?][^\x00-\x20\x7f\\#]*)?\Z",
}
"""JSON Schema of a web address; the port and what is before `@` are checked besides."""

APPRISE_SCHEMAS = (
    *("join", "line", "pbul", "pover", "prowl", "signl4", "simplepush", "tgram", "wxteams"),
)
"""The products that Apprise may send to: the hosts of each are its own, never one that is stated.
"""
NOT_AN_APPRISE_ADDRESS = (
    f"must begin with one of {', '.join(f'{each}://' for each in APPRISE_SCHEMAS)}, and have no `?`"
)
_APPRISE_ADDRESS = re.compile(rf"(?:{'|'.join(APPRISE_SCHEMAS)})://[^\x00-\x20\x7f\\?#]+\Z")

P256DH_BYTES = 65
AUTH_BYTES = 16
UNCOMPRESSED_POINT = 4
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
"""The curve P-256: y² = x³ - 3x + b modulo p (FIPS 186-4, D.1.2.3)."""


def email_fault(text: str) -> str | None:
    """Return why a text is not one address (an addr-spec without quotes); None if it is."""
    local, _, domain = text.rpartition("@")
    if not EMAIL_ADDRESS.fits(text) or not all(local.split(".")):
        return EMAIL_ADDRESS.reason
    labels = domain.lower().split(".")
    if any(len(label) > DOMAIN_LABEL_LIMIT_CHARACTERS for label in labels):
        return f"a part of the domain is longer than {DOMAIN_LABEL_LIMIT_CHARACTERS} characters"
    if any(label.startswith("xn--") and not _is_punycode(label[4:]) for label in labels):
        return "a part of the domain begins with `xn--` and encodes no text"
    return None


def web_address_fault(text: str) -> str | None:
    """Return why a text is not an address that requests may be sent to; None if it is.

    Whether its host may be reached is decided when it is connected to.
    """
    return None if _is_web_address(text) else NOT_A_WEB_ADDRESS


def apprise_fault(text: str) -> str | None:
    """Return why a text is no address that Apprise may send to; None if it is.

    Its parameters (`?verify=no`) could turn off what protects a request.
    """
    fits = len(text) <= ADDRESS_LIMIT_CHARACTERS and _APPRISE_ADDRESS.match(text)
    return None if fits else NOT_AN_APPRISE_ADDRESS


def p256dh_fault(text: str) -> str | None:
    """Return why a text is no public key on the curve P-256 (RFC 8291); None if it is."""
    key = _base64url(text)
    if len(key) != P256DH_BYTES or key[0] != UNCOMPRESSED_POINT:
        return f"must be {P256DH_BYTES} bytes in base64url: a public key, not compressed"
    x, y = int.from_bytes(key[1:33]), int.from_bytes(key[33:])
    on_curve = x < _P and y < _P and (y * y - (x * x * x - 3 * x + _B)) % _P == 0
    return None if on_curve else "is not a point on the curve P-256"


def auth_fault(text: str) -> str | None:
    """Return why a text is no authentication secret of a push service (RFC 8291)."""
    return None if len(_base64url(text)) == AUTH_BYTES else f"must be {AUTH_BYTES} bytes, base64url"


def _is_web_address(text: str) -> bool:
    if not text.startswith("https://") or len(text) > ADDRESS_LIMIT_CHARACTERS:
        return False
    if any(character <= " " or character in "\x7f\\#" for character in text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port or HTTPS_PORT
    except ValueError:
        return False
    if not parts.hostname or "@" in parts.netloc:
        return False
    return port == HTTPS_PORT or port >= FIRST_FREE_PORT


def _is_punycode(label: str) -> bool:
    """Return whether a label encodes text that needs it, and in its only way (RFC 3492)."""
    try:
        text = label.encode().decode("punycode")
    except UnicodeError:
        return False
    return not text.isascii() and text.lower() == text and text.encode("punycode").decode() == label


def _base64url(text: str) -> bytes:
    """Return the bytes of base64url, with padding or without; none if it is something else."""
    if "+" in text or "/" in text:
        return b""
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        return b""
