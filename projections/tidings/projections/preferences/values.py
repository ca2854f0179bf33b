"""The values of settings, as the read model keeps them (JSON), and the kinds of settings."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from tidings.contracts.channels import AddressChannel, DeviceKind
from tidings.contracts.notifications import Moment
from tidings.domains.addresses.events import ChatService, PushSubscription
from tidings.domains.announcements.events import (
    LocalMoment,
    Repetition,
    ScheduledAnnouncement,
)
from tidings.domains.deliveries.events import SuppressionReason
from tidings.domains.preferences.events import DigestTime, How, QuietWindow

Kind = Literal[
    "preference",
    "quiet",
    "pause",
    "address",
    "confirmed",
    "device",
    "endpoint",
    "replay",
    "suppressed",
    "locale",
    "zone",
    "schedule",
    "schedule_time",
    "published",
]
PROFILE_ADDRESS = "profile"
"""The id of the e-mail address that `user.joined` gives."""
TENANT = ""
"""The owner of a tenant's settings, in place of a user: no id is empty."""
SCHEDULES = " "
"""The owner of a tenant's schedules: no id is a blank."""
DEVICES_LIMIT = 20
ADDRESSES_LIMIT = 20
PREFERENCES_LIMIT = 500
ENDPOINTS_LIMIT = 100
SCHEDULES_LIMIT = 1000
"""Of these, the newest count: one more ends the oldest."""


class PreferenceValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How something is wanted on a channel, or on all of them."""

    of: str
    channel: str | None = None
    how: How
    after_seconds: int | None = None
    digest: DigestTime | None = None
    required: bool = False


class QuietValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Windows of the wall clock that are quiet."""

    zone: str | None = None
    windows: tuple[QuietWindow, ...]
    channels: tuple[str, ...] = ()


class PauseValue(Struct, frozen=True, kw_only=True):
    """The end of a pause."""

    until: Moment


class AddressValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address; `confirmed` by the service that stated it."""

    channel: AddressChannel
    address: str
    label: str | None = None
    service: ChatService | None = None
    generation: int = 1
    previous_until: Moment | None = None
    confirmed: bool = False


class DeviceValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device that receives pushes; `registered`: when, in seconds since 1970."""

    kind: DeviceKind
    token: str | None = None
    subscription: PushSubscription | None = None
    locale: str | None = None
    zone: str | None = None
    app: str | None = None
    registered: int = 0


class EndpointValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tenant's webhook."""

    url: str
    types: tuple[str, ...]
    generation: int
    previous_until: Moment | None = None


class ReplayValue(Struct, frozen=True, kw_only=True):
    """A webhook gets the events again that were appended since a time."""

    since: Moment


class SuppressedValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why nothing is sent to an address, a device or an endpoint."""

    reason: SuppressionReason | Literal["withdrawn"]
    code: str | None = None


class ScheduleValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An announcement, and when it is published; `stated`: since when, in seconds since 1970."""

    at: LocalMoment | None = None
    repeats: Repetition | None = None
    announcement: ScheduledAnnouncement
    stated: int


class ScheduleTimeValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The time that replaces that of a schedule, and since when, in seconds since 1970."""

    at: LocalMoment | None = None
    repeats: Repetition | None = None
    stated: int


class PublishedValue(Struct, frozen=True, kw_only=True):
    """The time of a schedule that was published last."""

    occurrence: Moment


class TextValue(Struct, frozen=True):
    """One text: the address that was confirmed, a locale, or a time zone."""

    text: str
