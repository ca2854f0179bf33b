"""Codec: bytes of the wire and the log to values and back, with errors that name the field."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from tidings.contracts.cloudevents import CloudEvent
from tidings.contracts.events import EVENTS, Opaque, Recorded
from tidings.contracts.events.base import Event
from tidings.contracts.legacy import LEGACY
from tidings.contracts.notifications import Delivered, Entry, Membership, Notification, Shared

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
"""What each pattern of the contracts demands, in words; the first that fits."""

NOBODY = b'"user":""'

T = TypeVar("T")


class InvalidEvent(ValueError):
    """An event that cannot be taken: `field` says where (`data.user_id`), the message what is wrong with it."""

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
_membership: msgspec.json.Decoder[Membership] = msgspec.json.Decoder(Membership)

encode = msgspec.json.Encoder().encode
decode_entry = _entry.decode
decode_delivered = msgspec.json.Decoder(Delivered).decode
decode_membership = _membership.decode
decode_shared = msgspec.json.Decoder(Shared).decode
decode_notification = msgspec.json.Decoder(Notification).decode


def cut(notification: bytes) -> tuple[bytes, bytes]:
    """A shared notification, cut where the name of each reader goes, as a JSON string."""
    before, behind = notification.rsplit(NOBODY, 1)
    return before + NOBODY[:-2], behind


def decode(body: bytes | str | memoryview) -> CloudEvent:
    """Read a CloudEvent, its data left encoded; raises InvalidEvent."""
    return _decode(_cloud_event, body, "")


def event_of(cloud: CloudEvent) -> Event | Opaque:
    """The event of a CloudEvent in the shape of today, or an opaque one of a type nobody registered; raises InvalidEvent."""
    if decoder := _data.get(cloud.type):
        return _decode(decoder, cloud.data, "data")
    if old := _legacy.get(cloud.type):
        decoder, upcast = old
        return upcast(_decode(decoder, cloud.data, "data"))
    return Opaque(type=cloud.type, data=cloud.data)


def known_event_of(cloud: CloudEvent) -> Event:
    """The same for one that has yet to be accepted: an unknown type is refused with the nearest known ones."""
    event = event_of(cloud)
    if isinstance(event, Opaque):
        raise InvalidEvent("type", unknown_type(cloud.type))
    return event


def checked(body: bytes) -> CloudEvent:
    """A CloudEvent that may be accepted: UTF-8, of a known type, its data in that type's shape; raises InvalidEvent."""
    _check_text(body)
    cloud = decode(body)
    known_event_of(cloud)
    return cloud


def unknown_type(type_: str) -> str:
    """Say that a type is unknown, and which ones are near it."""
    near = get_close_matches(type_, _data, n=3)
    return f"unknown type `{type_}`; " + (
        f"did you mean {', '.join(near)}?" if near else f"known ones: {', '.join(_data)}"
    )


def recorded(body: bytes, sequence: int, time_nanoseconds: int) -> Recorded[Any]:
    """An event as read from the log, where anybody may have written anything; raises InvalidEvent."""
    _check_text(body)
    cloud = decode(body)
    if cloud.tenant is None:
        raise InvalidEvent("tenant", "missing")
    return Recorded(
        event=event_of(cloud),
        attributes=cloud,
        tenant=cloud.tenant,
        key=cloud.key_of(cloud.tenant),
        sequence=sequence,
        time_nanoseconds=time_nanoseconds,
    )


def instant(time_nanoseconds: int) -> datetime:
    """Nanoseconds since 1970 as a moment in UTC, to the microsecond."""
    return datetime.fromtimestamp(time_nanoseconds // 1000 / 1_000_000, UTC)


def _check_text(body: bytes) -> None:
    """What msgspec leaves encoded it does not look into, but others will read it."""
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
    """Say in words what msgspec says in patterns."""
    return next((words for shape, words in _SENTENCES if shape.match(message)), message)
