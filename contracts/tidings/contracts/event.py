"""The base of all events: immutable facts in the past tense, whose types are never reused."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Raw, Struct
from tidings.contracts.cloudevents import CloudEvent


class Event(Struct, frozen=True, kw_only=True):
    """The `data` of an event; fields that a type does not name stay in the log and the
    notification.
    """

    type: ClassVar[str]


class UnknownEvent(Struct, frozen=True, kw_only=True):
    """An event of an unregistered type: stored as it is; no rule applies to it."""

    type: str
    data: Raw


E = TypeVar("E", bound="Event | UnknownEvent", covariant=True)


class RecordedEvent(Struct, Generic[E], frozen=True, kw_only=True):
    """An event in the log.

    `key` is its deduplication key, `time_nanoseconds` the time when it was appended, since 1970.
    """

    event: E
    attributes: CloudEvent
    tenant: str
    key: str
    sequence: int
    time_nanoseconds: int


AnyRecordedEvent = RecordedEvent[Any]
