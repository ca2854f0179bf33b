"""Identifiers: what a valid one is, how it is spelled in a subject, and how those of notifications are derived."""

from __future__ import annotations

import re
from binascii import crc32
from functools import lru_cache
from hashlib import sha1
from typing import Annotated
from urllib.parse import quote
from uuid import UUID, uuid5

from msgspec import Meta

ID_LIMIT_CHARACTERS = 128
NOTIFICATIONS = UUID("6f6a1c51-55c4-5d8b-9a3e-6f7df4a3c0de")

ID_PATTERN = r"^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?\Z"

Id = Annotated[str, Meta(min_length=1, max_length=ID_LIMIT_CHARACTERS, pattern=ID_PATTERN)]
"""1 to 128 characters, no control characters, no blanks at the ends."""

_ID = re.compile(ID_PATTERN)
_PLAIN = re.compile(r"[A-Za-z0-9-]+\Z")
_UNSAFE = re.compile(rb"[^A-Za-z0-9-]")
_ESCAPED = re.compile(rb"_([0-9a-f]{2})")


def is_id(value: object) -> bool:
    """Whether something is a valid id."""
    return isinstance(value, str) and len(value) <= ID_LIMIT_CHARACTERS and bool(_ID.match(value))


@lru_cache(maxsize=65_536)
def escape(identifier: str) -> str:
    """Spell an id as one subject token of `[A-Za-z0-9_-]`: any other byte of its UTF-8 becomes `_` and two hex digits."""
    if _PLAIN.match(identifier):
        return identifier
    return _UNSAFE.sub(lambda byte: b"_%02x" % ord(byte[0]), identifier.encode()).decode()


@lru_cache(maxsize=65_536)
def unescape(token: str) -> str:
    """The id that `escape` spelled as this token."""
    return _ESCAPED.sub(lambda digits: bytes.fromhex(digits[1].decode()), token.encode()).decode()


def partition(key: str, partitions: int) -> int:
    """The partition of a key (a tenant, or `tenant/user`): CRC-32 modulo the count fixed at installation."""
    return crc32(key.encode()) % partitions


def event_key(tenant: str, source: str, identifier: str) -> str:
    """The deduplication key of an event, `<tenant>/<source>/<id>`, percent-encoded so that no two events share one."""
    return f"{escape(tenant)}/{quote(source)}/{quote(identifier, safe='')}"


def reading_id(notification: str, reader: str) -> str:
    """The id of the event that somebody read a notification, the same however often it is stated."""
    return str(uuid5(NOTIFICATIONS, f"read {notification} {reader}"))


def acting_id(notification: str, actor: str) -> str:
    """The id of the event that somebody pressed a button of a notification: one for all its buttons, for only one is pressed."""
    return str(uuid5(NOTIFICATIONS, f"act {notification} {actor}"))


class NotificationIds:
    """The ids of one rule's notifications about one event: `uuid5(event key, rule, recipient)`, see RFC 9562, section 5.5."""

    def __init__(self, event: str, rule: str) -> None:
        self._prefix = sha1(
            NOTIFICATIONS.bytes + f"{event} {rule} ".encode(), usedforsecurity=False
        )

    def of(self, recipient: str) -> str:
        """The id for one recipient, in the canonical 36 characters."""
        digest = self._prefix.copy()
        digest.update(recipient.encode())
        return str(UUID(bytes=digest.digest()[:16], version=5))
