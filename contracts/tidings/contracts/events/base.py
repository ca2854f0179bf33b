"""What every event is: a fact, past tense, immutable, with a wire type that is never reused."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Raw, Struct
from tidings.contracts.cloudevents import CloudEvent


class Event(Struct, frozen=True, kw_only=True):
    """The `data` of an event; fields that a type does not name are kept in the log and shown in the notification."""

    type: ClassVar[str]


class Opaque(Struct, frozen=True, kw_only=True):
    """A fact of a type nobody registered here: carried along as it is, told to nobody."""

    type: str
    data: Raw


E = TypeVar("E", bound="Event | Opaque", covariant=True)


class Recorded(Struct, Generic[E], frozen=True, kw_only=True):
    """An event as the log has it; `key` is its deduplication key, the time when it was appended, in nanoseconds since 1970."""

    event: E
    attributes: CloudEvent
    tenant: str
    key: str
    sequence: int
    time_nanoseconds: int


AnyRecorded = Recorded[Any]
