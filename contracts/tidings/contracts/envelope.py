"""Encode events as CloudEvents in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

from msgspec import Raw, Struct, to_builtins
from tidings.contracts.codec import InvalidEvent, encode
from tidings.contracts.event import Event

TextId = str | int | UUID
"""An id as callers have it: text, or an integer or a UUID, which mean their text."""


class Envelope(Struct, frozen=True, kw_only=True):
    """The attributes that all events of a service share: its `source` (`/task-service`) and its
    tenant.
    """

    source: str
    tenant: TextId | None = None

    def encode(
        self,
        event: Event,
        *,
        id: TextId | None = None,
        more: Mapping[str, Any] | None = None,
        **attributes: Any,
    ) -> EncodedEvent:
        """Encode an event as a CloudEvent.

        It gets a random id if `id` is None. `more` is added to its data, without overriding its
        fields; `attributes` are `time` and ids such as `actor`. Raises InvalidEvent for a value
        that JSON or the attribute does not hold.
        """
        event_id = str(uuid4()) if id is None else id_text("id", id)
        optional = {
            name: _time(value) if name == "time" else id_text(name, value)
            for name, value in {"tenant": self.tenant, **attributes}.items()
            if value is not None
        }
        body = {
            "specversion": "1.0",
            "id": event_id,
            "source": self.source,
            "type": event.type,
            **optional,
            "data": _encodable_data(event, more or {}),
        }
        return EncodedEvent(id=event_id, body=_encode(body, "source"))


class EncodedEvent(Struct, frozen=True, kw_only=True):
    """An encoded CloudEvent and its id."""

    id: str
    body: bytes


def id_text(name: str, value: object) -> str:
    """Return the text of an id; raises InvalidEvent for what is no text, integer or UUID."""
    plain = value.value if isinstance(value, Enum) else value
    if isinstance(plain, bool) or not isinstance(plain, str | int | UUID):
        raise InvalidEvent(name, f"must be text, an integer or a UUID, not {type(value).__name__}")
    text = str(plain)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidEvent(name, "is not Unicode text: it has half of a surrogate pair")
    return text


def _time(value: object) -> datetime | str:
    if isinstance(value, datetime | str):
        return value
    raise InvalidEvent("time", f"must be a datetime with a time zone, not {type(value).__name__}")


def _encodable_data(event: Event, more: Mapping[str, Any]) -> Raw:
    try:
        fields = to_builtins(event)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidEvent("data", str(error)) from None
    # A field of the event wins over one of the same name in `more`.
    data = {**more, **{name: value for name, value in fields.items() if value is not None}}
    return Raw(_encode(data, "data"))


def _encode(value: object, place: str) -> bytes:
    try:
        return encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidEvent(place, f"cannot be written as JSON: {error}") from None
