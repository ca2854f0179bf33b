"""The base of all events: immutable facts in the past tense, whose types are never reused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Raw, Struct
from tidings.contracts.cloudevents import CloudEvent, Time


class EventPart(Struct, frozen=True, kw_only=True):
    """A part of the `data` of an event; an `Id` in it may be stated as an integer."""


class Event(EventPart, frozen=True, kw_only=True):
    """The `data` of an event; fields that a type does not name stay in the log and the
    notification.

    `expires_at`: the end of the notifications that the event causes, if their rule sets none.
    """

    type: ClassVar[str]
    expires_at: Time | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the fields of a new event that cannot be used, each with the reason.

        Unlike the shape, this is not demanded of events that are in a log already.
        """
        return iter(())

    def unknown_values(self) -> Iterator[tuple[str, str]]:
        """Return the fields of a new event whose values have the right form and do not exist."""
        return iter(())

    def notifications_expire_at(self) -> datetime | None:
        """Return when the notifications of this event expire if their rule sets no expiry."""
        return self.expires_at


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
