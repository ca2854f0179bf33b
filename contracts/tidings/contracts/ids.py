"""Validate ids, escape them in subjects, and derive the ids of notifications."""

from __future__ import annotations

import re
from binascii import crc32
from functools import lru_cache
from hashlib import blake2s, sha1
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from msgspec import Meta

ID_LIMIT_CHARACTERS = 128
NOTIFICATION_NAMESPACE = UUID("6f6a1c51-55c4-5d8b-9a3e-6f7df4a3c0de")

ID_PATTERN = r"^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?\Z"

INTEGER_ID_LIMIT_DIGITS = 19

_INTEGER_ID_MARK = "integer_id"

INTEGER_ID_SCHEMA: dict[str, Any] = {
    "type": ["string", "integer"],
    "minimum": 1 - 10**INTEGER_ID_LIMIT_DIGITS,
    "maximum": 10**INTEGER_ID_LIMIT_DIGITS - 1,
}
"""The JSON Schema of an id that may be an integer, beside the demands on its text."""

Id = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LIMIT_CHARACTERS,
        pattern=ID_PATTERN,
        extra={_INTEGER_ID_MARK: True},
    ),
]
"""1 to 128 characters, no control characters, no blanks at the ends.

In an event it may be stated as an integer, which means its decimal text (`integer_ids`).
"""

_ID = re.compile(ID_PATTERN)
_PLAIN = re.compile(r"[A-Za-z0-9-]+\Z")
_UNSAFE = re.compile(rb"[^A-Za-z0-9-]")
_ESCAPED = re.compile(rb"_([0-9a-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]+\Z")
"""Text that percent-encoding leaves as it is (RFC 3986, section 2.3)."""
_VARIANT_DIGITS = {digit: "89ab"[int(digit, 16) & 0b11] for digit in "0123456789abcdef"}
"""Each hex digit with its two upper bits as a UUID's variant has them (RFC 9562, section 4.1)."""


def is_id(value: object) -> bool:
    """Return whether a value is a valid id."""
    return isinstance(value, str) and len(value) <= ID_LIMIT_CHARACTERS and bool(_ID.match(value))


def is_id_type(info: Any) -> bool:
    """Return whether an `inspect.Metadata` is that of `Id`."""
    return _INTEGER_ID_MARK in (info.extra or {})


@lru_cache(maxsize=65_536)
def escape(identifier: str) -> str:
    """Return an id as one subject token of `[A-Za-z0-9_-]`.

    Any other byte of its UTF-8, and `_` itself, becomes `_` and two hex digits.
    """
    if _PLAIN.match(identifier):
        return identifier
    return _UNSAFE.sub(lambda byte: b"_%02x" % ord(byte[0]), identifier.encode()).decode()


@lru_cache(maxsize=65_536)
def unescape(token: str) -> str:
    """Return the id that `escape` turned into this token."""
    return _ESCAPED.sub(lambda digits: bytes.fromhex(digits[1].decode()), token.encode()).decode()


def partition_number(key: str, partitions: int) -> int:
    """Return the partition of a key (a tenant, or `tenant/user`): its CRC-32 modulo the number of
    partitions.
    """
    return crc32(key.encode()) % partitions


def event_key(tenant: str, source: str, identifier: str) -> str:
    """Return the deduplication key of an event, `<tenant>/<source>/<id>`.

    Its parts are percent-encoded, so that no two events share a key.
    """
    name = identifier if _UNRESERVED.match(identifier) else quote(identifier, safe="")
    return f"{escape(tenant)}/{_quote_source(source)}/{name}"


_quote_source = lru_cache(maxsize=4096)(quote)


class OwnEventIds(NamedTuple):
    """The ids of events that Tidings itself emits, keyed by a secret of the installation.

    An event with a known id counts as stored already, so an id that a producer can compute would
    let it make the event void beforehand.
    """

    key: bytes

    def read_event_id(self, notification: str, reader: str) -> str:
        """Return the id of "a user read a notification", the same for every repetition."""
        return self._id_of("read", notification, reader)

    def action_event_id(self, notification: str, actor: str) -> str:
        """Return the id of "a user pressed a button of a notification".

        It does not depend on the button: of several presses only the first one is stored.
        """
        return self._id_of("act", notification, actor)

    def delivery_event_id(self, what: str, delivery: str) -> str:
        """Return the id of an event that a delivery causes, `what` being its type."""
        return self._id_of("delivery", what, delivery)

    def schedule_event_id(self, tenant: str, schedule: str, occurrence: str) -> str:
        """Return the id of the event that a schedule causes at a time (ISO 8601, UTC)."""
        return self._id_of("schedule", tenant, schedule, occurrence)

    def request_event_id(self, sender: str, request: str, digest: str) -> str:
        """Return the id of an event that a request of a product's front end causes."""
        return self._id_of("request", sender, request, digest)

    def _id_of(self, *parts: str) -> str:
        name = "\0".join(parts).encode()
        return str(UUID(bytes=blake2s(name, key=self.key, digest_size=16).digest(), version=4))


class NotificationIds:
    """The ids of one rule's notifications about one event: `uuid5(event key, rule, recipient)` (RFC
    9562, section 5.5).
    """

    def __init__(self, event: str, rule: str) -> None:
        # An event can have thousands of recipients: the common prefix is hashed once.
        self._prefix = sha1(
            NOTIFICATION_NAMESPACE.bytes + f"{event} {rule} ".encode(), usedforsecurity=False
        )

    def id_for(self, recipient: str) -> str:
        """Return the id for one recipient, in the canonical 36 characters."""
        digest = self._prefix.copy()
        digest.update(recipient.encode())
        text = digest.hexdigest()
        # The digits are written in place: building a UUID takes longer than hashing.
        return (
            f"{text[:8]}-{text[8:12]}-5{text[13:16]}"
            f"-{_VARIANT_DIGITS[text[16]]}{text[17:20]}-{text[20:32]}"
        )
