"""Announcements and notifications written by hand: to users, a relation, or the whole tenant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from tidings.contracts.cloudevents import Time
from tidings.contracts.event import Event, EventPart
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Entity, Level, Priority
from tidings.contracts.page_addresses import PageAddress, safe_address
from tidings.contracts.relations import RelationText
from tidings.contracts.text_forms import TIMEZONE_NAME, timezone_fault
from tidings.domains.preferences.events import ClockTime, TimezoneName
from tidings.domains.preferences.forms import Day

USERS_LIMIT = 10_000
"""The number of users that one announcement can name; more users need a relation."""


class Addressees(EventPart, frozen=True, kw_only=True):
    """The recipients of a text; at least one of the three fields is required."""

    schema_constraint: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"required": ["users"], "properties": {"users": {"minItems": 1}}},
            {"required": ["relation"], "properties": {"relation": {"not": {"type": "null"}}}},
            {"required": ["everyone"], "properties": {"everyone": {"const": True}}},
        ],
    }
    """The check of `__post_init__`, as JSON Schema."""
    users: Annotated[tuple[Id, ...], Meta(max_length=USERS_LIMIT)] = ()
    relation: RelationText | None = None
    everyone: bool = False

    def __post_init__(self) -> None:
        if not (self.users or self.relation or self.everyone):
            raise ValueError("The recipients need `users`, `relation` or `everyone: true`")


class AnnouncementPublished(Event, frozen=True, kw_only=True):
    """An announcement was published; with `receipt`, its actor is notified when a user reads it.

    `schedule_id` and `occurrence`: the schedule by which Tidings published it, and its time.
    """

    type: ClassVar[str] = "announcement.published"
    title: str
    message: str
    to: Addressees
    priority: Priority = "normal"
    expires_at: Time | None = None
    entity_url: PageAddress | None = None
    receipt: bool = False
    schedule_id: Id | None = None
    occurrence: Time | None = None


REQUESTED_TITLE_LIMIT_CHARACTERS = 500
REQUESTED_MESSAGE_LIMIT_CHARACTERS = 10_000
REFERENCES_LIMIT = 20
DATA_LIMIT_BYTES = 16 * 1024

Word = Annotated[str, Meta(min_length=1, max_length=96, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
"""A type, a category or a name, as the product spells it."""
Address = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2048,
        pattern=r"^(?:https?://|(?![A-Za-z][A-Za-z0-9+.-]*:))[^\x00-\x20\x7f]+\Z",
    ),
]
"""The address of a page by http(s), or relative to the product's pages; no `javascript:`."""


class RequestedEntity(EventPart, frozen=True, kw_only=True):
    """The object of a notification written by hand, and the address of its page."""

    type: Word
    id: Id
    url: Address | None = None

    def to_entity(self, url: str | None) -> Entity:
        """Return the entity of a notification, with `url` if the object has no address itself."""
        return Entity(type=self.type, id=self.id, url=safe_address(self.url or url))


class NotificationRequested(Event, frozen=True, kw_only=True):
    """A service requested a notification with a text of its own; the actor is notified too.

    `type`: the notification's type in the product's own words, such as `equipment_alert`; without
    it, `notification.requested`. `references`: the ids of objects that it is about, by kind
    (`project`, `task`). `data`: the notification's data, up to 16 KiB. `action_url`: the page that
    it opens; it is in the data too.
    """

    type: ClassVar[str] = "notification.requested"
    to: Addressees
    title: Annotated[str, Meta(min_length=1, max_length=REQUESTED_TITLE_LIMIT_CHARACTERS)]
    message: Annotated[str, Meta(max_length=REQUESTED_MESSAGE_LIMIT_CHARACTERS)]
    notification_type: Word | None = msgspec.field(default=None, name="type")
    level: Level = "info"
    category: Word = "notification"
    priority: Priority = "normal"
    entity: RequestedEntity | None = None
    references: Annotated[dict[Word, Id], Meta(max_length=REFERENCES_LIMIT)] = msgspec.field(
        default_factory=dict[str, str]
    )
    data: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    expires_at: Time | None = None
    action_url: Address | None = None

    def __post_init__(self) -> None:
        size = len(msgspec.json.encode(self.data))
        if size > DATA_LIMIT_BYTES:
            raise ValueError(f"`data` has {size} bytes; at most {DATA_LIMIT_BYTES}")


class LocalMoment(EventPart, frozen=True, kw_only=True):
    """A time of the wall clock of a zone, such as `2026-12-24T09:00`."""

    local: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d\Z")]
    zone: TimezoneName


class Repetition(EventPart, frozen=True, kw_only=True):
    """A time of the wall clock of a zone on some days of the week, on all if there are none.

    `until`: no repetition begins at this time or later.
    """

    days: Annotated[tuple[Day, ...], Meta(max_length=7)] = ()
    at: ClockTime
    zone: TimezoneName
    until: Time | None = None


class ScheduledAnnouncement(EventPart, frozen=True, kw_only=True):
    """What `announcement.published` will state."""

    title: str
    message: str
    to: Addressees
    priority: Priority = "normal"
    expires_at: Time | None = None
    entity_url: PageAddress | None = None
    receipt: bool = False


class AnnouncementScheduled(Event, frozen=True, kw_only=True):
    """An announcement will be published: once, `at` a time, or repeatedly."""

    type: ClassVar[str] = "announcement.scheduled"
    schedule_id: Id
    at: LocalMoment | None = None
    repeats: Repetition | None = None
    announcement: ScheduledAnnouncement

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the fields that name no time, each with the reason."""
        yield from _time_faults(self.at, self.repeats)

    def unknown_values(self) -> Iterator[tuple[str, str]]:
        """Return the time zone if it does not exist."""
        yield from _unknown_zones(self.at, self.repeats)


class AnnouncementRescheduled(Event, frozen=True, kw_only=True):
    """An announcement will be published at another time."""

    type: ClassVar[str] = "announcement.rescheduled"
    schedule_id: Id
    at: LocalMoment | None = None
    repeats: Repetition | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the fields that name no time, each with the reason."""
        yield from _time_faults(self.at, self.repeats)

    def unknown_values(self) -> Iterator[tuple[str, str]]:
        """Return the time zone if it does not exist."""
        yield from _unknown_zones(self.at, self.repeats)


class AnnouncementCancelled(Event, frozen=True, kw_only=True):
    """A scheduled announcement will not be published any more."""

    type: ClassVar[str] = "announcement.cancelled"
    schedule_id: Id


def _time_faults(at: LocalMoment | None, repeats: Repetition | None) -> Iterator[tuple[str, str]]:
    if (at is None) == (repeats is None):
        yield "at", "either `at` or `repeats` is needed"
    if at and not _is_datetime(at.local):
        yield "at.local", "must be a day that exists and a time, such as 2026-12-24T09:00"
    for field, part in (("at", at), ("repeats", repeats)):
        if part and not TIMEZONE_NAME.fits(part.zone):
            yield f"{field}.zone", TIMEZONE_NAME.reason


def _unknown_zones(at: LocalMoment | None, repeats: Repetition | None) -> Iterator[tuple[str, str]]:
    for field, part in (("at", at), ("repeats", repeats)):
        if part and (fault := timezone_fault(part.zone)):
            yield f"{field}.zone", fault


def _is_datetime(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


EVENTS: tuple[type[Event], ...] = (
    AnnouncementPublished,
    NotificationRequested,
    AnnouncementScheduled,
    AnnouncementRescheduled,
    AnnouncementCancelled,
)
