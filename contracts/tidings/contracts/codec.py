"""Decode the bytes of the wire and the log to values and encode values, with errors that name the
field.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from tidings.contracts.cloudevents import CloudEvent
from tidings.contracts.event import Event, RecordedEvent, UnknownEvent
from tidings.contracts.notifications import (
    DeliveryReceipt,
    Entry,
    Notification,
    SharedNotification,
    TopicMembership,
)
from tidings.domains import EVENTS, LEGACY

_PATH = re.compile(r" - at `\$\.?(.*)`$")
_MISSING = re.compile(r"missing required field `(.*?)`")
_SENTENCES = (
    (
        re.compile(r"Expected `str` matching regex .*tenant\|"),
        "must be a relation, such as project:789#member or tenant#office",
    ),
    (
        re.compile(r"Expected `str` matching regex .*a-z0-9_"),
        "must be words of a-z, 0-9 and _ joined by dots, such as task.assigned",
    ),
    (
        re.compile(r"Expected `str` matching regex .*x1f"),
        "must be text without control characters and without blanks at its ends",
    ),
    (
        re.compile(r"Expected `str` matching regex .*x00"),
        "must be text without control characters and without blanks",
    ),
    (re.compile(r"maximum recursion depth"), "is nested too deeply"),
)
"""For each pattern of the contracts, its demand in words; the first match wins."""

EMPTY_USER = b'"user":""'

T = TypeVar("T")


class InvalidEvent(ValueError):
    """An event that is not acceptable: `field` names the place (`data.user_id`), `reason` the
    fault.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


_cloud_event = msgspec.json.Decoder(CloudEvent)
_data: dict[str, msgspec.json.Decoder[Event]] = {
    shape.type: msgspec.json.Decoder(shape) for shape in EVENTS
}
_legacy = {old.shape.type: (msgspec.json.Decoder(old.shape), old.upcast) for old in LEGACY}
_entry: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)
_membership: msgspec.json.Decoder[TopicMembership] = msgspec.json.Decoder(TopicMembership)

encode = msgspec.json.Encoder().encode
decode_entry = _entry.decode
decode_delivery_receipt = msgspec.json.Decoder(DeliveryReceipt).decode
decode_membership = _membership.decode
decode_shared_notification = msgspec.json.Decoder(SharedNotification).decode
decode_notification = msgspec.json.Decoder(Notification).decode


def split_at_user(notification: bytes) -> tuple[bytes, bytes]:
    """Split a shared notification where the id of each reader is inserted, as a JSON string."""
    before, behind = notification.rsplit(EMPTY_USER, 1)
    return before + EMPTY_USER[:-2], behind


def decode_cloud_event(body: bytes | str | memoryview) -> CloudEvent:
    """Decode a CloudEvent, leaving its data encoded; raises InvalidEvent."""
    return _decode(_cloud_event, body, "")


def decode_event(cloud: CloudEvent) -> Event | UnknownEvent:
    """Return the event of a CloudEvent in its current shape; raises InvalidEvent.

    An unregistered type gives an UnknownEvent, which keeps its data encoded.
    """
    if decoder := _data.get(cloud.type):
        return _decode(decoder, cloud.data, "data")
    if old := _legacy.get(cloud.type):
        decoder, upcast = old
        return upcast(_decode(decoder, cloud.data, "data"))
    return UnknownEvent(type=cloud.type, data=cloud.data)


def decode_known_event(cloud: CloudEvent) -> Event:
    """Return the event of a CloudEvent that is not accepted yet.

    Raises InvalidEvent; for an unknown type it names the nearest known types.
    """
    event = decode_event(cloud)
    if isinstance(event, UnknownEvent):
        raise InvalidEvent("type", unknown_type_message(cloud.type))
    return event


def validate_event(body: bytes) -> CloudEvent:
    """Decode a CloudEvent that may be accepted; raises InvalidEvent.

    It must be UTF-8 and of a known type, and its data must have the shape of that type.
    """
    _check_text(body)
    cloud = decode_cloud_event(body)
    decode_known_event(cloud)
    return cloud


def unknown_type_message(type_: str) -> str:
    """Return the error message of an unknown type, with the nearest known types."""
    near = get_close_matches(type_, _data, n=3)
    return f"unknown type `{type_}`; " + (
        f"did you mean {', '.join(near)}?" if near else f"known ones: {', '.join(_data)}"
    )


def decode_recorded_event(body: bytes, sequence: int, time_nanoseconds: int) -> RecordedEvent[Any]:
    """Decode an event from the log; raises InvalidEvent.

    Any service that NATS admits can append to the log, so its messages are checked like requests.
    """
    _check_text(body)
    cloud = decode_cloud_event(body)
    if cloud.tenant is None:
        raise InvalidEvent("tenant", "missing")
    return RecordedEvent(
        event=decode_event(cloud),
        attributes=cloud,
        tenant=cloud.tenant,
        key=cloud.key_of(cloud.tenant),
        sequence=sequence,
        time_nanoseconds=time_nanoseconds,
    )


def instant(time_nanoseconds: int) -> datetime:
    """Return nanoseconds since 1970 as a datetime in UTC, to the microsecond."""
    # A float holds microseconds since 1970 exactly, but not nanoseconds.
    return datetime.fromtimestamp(time_nanoseconds // 1000 / 1_000_000, UTC)


def _check_text(body: bytes) -> None:
    """Raise InvalidEvent if a body is not UTF-8."""
    # msgspec does not check the encoding of the parts that it leaves as Raw; readers will.
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise InvalidEvent("", f"not UTF-8 (byte {error.start})") from None


def _decode(
    decoder: msgspec.json.Decoder[T], body: bytes | str | memoryview | msgspec.Raw, within: str
) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(str(error), within) from None


def _invalid(message: str, within: str) -> InvalidEvent:
    path, missing = _PATH.search(message), _MISSING.search(message)
    parts = (within, path[1] if path else "", missing[1] if missing else "")
    return InvalidEvent(".".join(part for part in parts if part), _sentence(_PATH.sub("", message)))


def _sentence(message: str) -> str:
    """Return a message of msgspec in words instead of a regular expression."""
    return next((words for shape, words in _SENTENCES if shape.match(message)), message)
