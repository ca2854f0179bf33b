"""Decode the bytes of the wire and the log to values and encode values, with errors that name the
field.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from msgspec import Raw
from tidings.contracts.cloudevents import CloudEvent, Time
from tidings.contracts.event import Event, RecordedEvent, UnknownEvent
from tidings.contracts.ids import escape
from tidings.contracts.integer_ids import (
    FieldsPlace,
    IdPlace,
    InvalidId,
    Place,
    id_places,
    with_text_ids,
)
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
        re.compile(r"Expected `str` matching regex .*Jj"),
        "must be a media type of JSON, such as application/json: the data of an event is JSON",
    ),
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
_cloud_event_ids = FieldsPlace({"actor": IdPlace()})
_shapes = {shape.type: shape for shape in (*EVENTS, *(old.shape for old in LEGACY))}
_data: dict[str, msgspec.json.Decoder[Event]] = {
    type_: msgspec.json.Decoder(shape) for type_, shape in _shapes.items()
}
_ids: dict[str, Place | None] = {type_: id_places(shape) for type_, shape in _shapes.items()}
_upcast = {old.shape.type: old.upcast for old in LEGACY}
_expiry = msgspec.json.Decoder(Time | None)
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
    try:
        return _cloud_event.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body.encode() if isinstance(body, str) else bytes(body)
        return _decode(_cloud_event, _text_ids(text, _cloud_event_ids, ""), "")


def decode_event(cloud: CloudEvent) -> Event | UnknownEvent:
    """Return the event of a CloudEvent in its current shape; raises InvalidEvent.

    An unregistered type gives an UnknownEvent, which keeps its data encoded.
    """
    return _decode_data(cloud, recorded=False)[0]


def decode_known_event(cloud: CloudEvent) -> Event:
    """Return the event of a CloudEvent that is not accepted yet.

    Raises InvalidEvent; for an unknown type it names the nearest known types.
    """
    event = decode_event(cloud)
    if isinstance(event, UnknownEvent):
        raise InvalidEvent("type", unknown_type_message(cloud.type))
    return event


def validate_event(body: bytes) -> tuple[CloudEvent, Event]:
    """Decode a CloudEvent that may be accepted, and its event; raises InvalidEvent.

    It must be UTF-8 and of a known type, and its data must have the shape of that type.
    """
    _check_text(body)
    cloud = decode_cloud_event(body)
    return cloud, decode_known_event(cloud)


def unknown_type_message(type_: str) -> str:
    """Return the error message of an unknown type, with the nearest known types."""
    types = [shape.type for shape in EVENTS]
    near = get_close_matches(type_, types, n=3)
    return f"unknown type `{type_}`; " + (
        f"did you mean {', '.join(near)}?" if near else f"known ones: {', '.join(types)}"
    )


def decode_recorded_event(
    body: bytes, sequence: int, time_nanoseconds: int, subject: str | None = None
) -> RecordedEvent[Any]:
    """Decode an event from the log, with text in place of integers as ids; raises InvalidEvent.

    Any service that NATS admits can append to the log, so its messages are checked like requests,
    and against their subject: NATS permissions bind a service to subjects, not to bodies.
    """
    _check_text(body)
    cloud = decode_cloud_event(body)
    if cloud.tenant is None:
        raise InvalidEvent("tenant", "missing")
    event, data = _decode_data(cloud, recorded=True)
    if subject is not None:
        _check_subject(subject, cloud.tenant, event, cloud.type)
    return RecordedEvent(
        event=event,
        attributes=cloud if data is cloud.data else msgspec.structs.replace(cloud, data=data),
        tenant=cloud.tenant,
        key=cloud.key_of(cloud.tenant),
        sequence=sequence,
        time_nanoseconds=time_nanoseconds,
    )


def instant(time_nanoseconds: int) -> datetime:
    """Return nanoseconds since 1970 as a datetime in UTC, to the microsecond."""
    # A float holds microseconds since 1970 exactly, but not nanoseconds.
    return datetime.fromtimestamp(time_nanoseconds // 1000 / 1_000_000, UTC)


def _decode_data(cloud: CloudEvent, *, recorded: bool) -> tuple[Event | UnknownEvent, Raw]:
    """Return the event of a CloudEvent, and its data with text in place of integers as ids."""
    decoder = _data.get(cloud.type)
    if decoder is None:
        return UnknownEvent(type=cloud.type, data=cloud.data), cloud.data
    event, data = _decode_known_data(decoder, cloud, recorded=recorded)
    upcast = _upcast.get(cloud.type)
    return (upcast(event) if upcast else event), data


def _decode_known_data(
    decoder: msgspec.json.Decoder[Event], cloud: CloudEvent, *, recorded: bool
) -> tuple[Event, Raw]:
    try:
        return decoder.decode(cloud.data), cloud.data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        data = Raw(_text_ids(bytes(cloud.data), _ids[cloud.type], "data"))
    decoded = _without_foreign_expiry(cloud.type, data) if recorded else data
    return _decode(decoder, decoded, "data"), data


def _text_ids(body: bytes, place: Place | None, within: str) -> bytes:
    try:
        return with_text_ids(body, place)
    except InvalidId as error:
        path = ".".join(part for part in (within, error.path) if part)
        raise InvalidEvent(path, error.reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body  # decoding fails too, with the reason


def _without_foreign_expiry(type_: str, data: Raw) -> Raw:
    """Return data without an `expires_at` that is no time, unless its type declares the field.

    Older logs have such events, because most types used to ignore this field.
    """
    if _declares_expiry(_shapes[type_]):
        return data
    try:
        fields = msgspec.json.decode(data, type=dict[str, Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data  # decoding fails too, with the reason
    try:
        _expiry.decode(fields.pop("expires_at", Raw(b"null")))
    except msgspec.ValidationError:
        return Raw(encode(fields))
    return data


def _declares_expiry(shape: type[Event]) -> bool:
    """Return whether a type has an `expires_at` of its own, beside that of every event."""
    return any(
        "expires_at" in vars(base).get("__annotations__", {})
        for base in shape.__mro__
        if base is not Event
    )


def _check_subject(subject: str, tenant: str, event: Event | UnknownEvent, type_: str) -> None:
    """Raise InvalidEvent if the subject is that of another tenant or another type.

    An unknown type may have any subject: nothing acts on it.
    """
    tokens = subject.split(".")
    domain, _, action = type_.partition(".")
    if len(tokens) != 6 or tokens[2] != escape(tenant):
        raise InvalidEvent("tenant", f"`{tenant}` is not the one of the subject {subject}")
    if isinstance(event, UnknownEvent):
        return
    if tokens[3] != escape(domain) or tokens[5] != (escape(action) if action else "_"):
        raise InvalidEvent("type", f"`{type_}` is not the one of the subject {subject}")


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
