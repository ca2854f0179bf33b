"""Copies: what an event takes in the log when each of its recipients gets one of their own."""

from __future__ import annotations

import msgspec
from msgspec import Raw
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.rules import AuthoredText, Tell

SMALL_COPY_BYTES = 4 * 1024
"""Copies up to this size are written to any number of recipients."""
COPIES_LIMIT_BYTES = 16 * 1024 * 1024
"""Larger copies of one notification take at most this together."""


def copy_bytes(recorded: AnyRecordedEvent, tell: Tell) -> int:
    """Return the size of a notification's text and data, without its small fields."""
    return _text_bytes(tell) + _data_bytes(recorded, tell)


def copies_limit(size: int) -> int | None:
    """Return how many recipients may get a copy of this size, None if any number may."""
    return None if size <= SMALL_COPY_BYTES else COPIES_LIMIT_BYTES // size


def too_many_copies(size: int, recipients: int) -> str:
    """Return why an event may not be written to so many recipients, empty if it may."""
    limit = copies_limit(size)
    if limit is None or recipients <= limit:
        return ""
    return (
        f"{recipients} recipients would each get a copy of {size} bytes, together over"
        f" {COPIES_LIMIT_BYTES} bytes: at most {limit} may. Send at most {SMALL_COPY_BYTES} bytes"
        " of text and data, with the address of the rest, or notify one relation, whose members"
        " share a copy"
    )


def _text_bytes(tell: Tell) -> int:
    texts = tell.values if isinstance(tell.values, AuthoredText) else tell.values.values()
    return sum(len(text.encode(errors="replace")) for text in texts if isinstance(text, str))


def _data_bytes(recorded: AnyRecordedEvent, tell: Tell) -> int:
    if tell.data is not None:
        return len(msgspec.json.encode(tell.data))
    data = recorded.attributes.data
    if not tell.hidden_fields:
        return len(bytes(data))
    fields = msgspec.json.decode(data, type=dict[str, Raw])
    return sum(
        len(name) + len(bytes(value))
        for name, value in fields.items()
        if name not in tell.hidden_fields
    )
