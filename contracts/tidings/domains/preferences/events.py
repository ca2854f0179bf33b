"""Events about what people want beyond the page; without `user_id`, it is the tenant's default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from msgspec import Meta
from tidings.contracts.cloudevents import Time
from tidings.contracts.event import Event, EventPart
from tidings.contracts.ids import Id
from tidings.contracts.text_forms import TIMEZONE_NAME, timezone_fault
from tidings.domains.preferences.forms import (
    CLOCK_TIME_PATTERN,
    SCOPE,
    Day,
    scope_faults,
    unknown_channels,
    unknown_scopes,
)

AFTER_LIMIT_SECONDS = 7 * 86_400
WINDOWS_LIMIT = 21
CHANNELS_LIMIT = 8

How = Literal["now", "unread", "digest", "never"]
"""At once; if still unread after a while; in a summary; not at all."""
Name = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[^\x00-\x20\x7f]+\Z")]
ScopeText = Annotated[str, Meta(extra_json_schema=SCOPE.json_schema)]
TimezoneName = Annotated[str, Meta(extra_json_schema=TIMEZONE_NAME.json_schema)]
ClockTime = Annotated[str, Meta(pattern=CLOCK_TIME_PATTERN)]
EndTime = Annotated[str, Meta(pattern=r"^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)\Z")]


class DigestTime(EventPart, frozen=True, kw_only=True):
    """When summaries leave, by the wall clock of their reader.

    `day` is that of a weekly one. `gathered` leaves a few minutes after the first notification.
    """

    every: Literal["gathered", "hourly", "daily", "weekly"] = "daily"
    at: ClockTime = "08:00"
    day: Day = "mon"


class PreferenceSet(Event, frozen=True, kw_only=True):
    """How a user, or the tenant by default, wants notifications on a channel, or on every channel.

    `of`: what it is about, such as `all`, `category:task`, `type:task.assigned`, `entity:task:456`
    or `group:room:9`. `after_seconds`: for how long a notification must be unread, with `unread`.
    `required`: the tenant's word counts whatever its users choose. `by`: the user who chose.
    """

    type: ClassVar[str] = "preference.set"
    user_id: Id | None = None
    of: ScopeText
    channel: Name | None = None
    how: How
    after_seconds: Annotated[int, Meta(ge=0, le=AFTER_LIMIT_SECONDS)] | None = None
    digest: DigestTime | None = None
    required: bool = False
    by: Id | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the fields that cannot be used, each with the reason."""
        yield from scope_faults(self.of)
        if self.required and self.user_id is not None:
            yield "required", "only a tenant can require it; leave out `user_id`"
        if self.after_seconds is not None and self.how != "unread":
            yield "after_seconds", "goes with `how: unread` only"
        if self.digest is not None and self.how != "digest":
            yield "digest", "goes with `how: digest` only"

    def unknown_values(self) -> Iterator[tuple[str, str]]:
        """Return the channel if it does not exist, and a category that is misspelt."""
        yield from unknown_channels("channel", [self.channel])
        yield from unknown_scopes(self.of)


class PreferenceCleared(Event, frozen=True, kw_only=True):
    """A preference of the same `of` and `channel` holds no longer."""

    type: ClassVar[str] = "preference.cleared"
    user_id: Id | None = None
    of: ScopeText
    channel: Name | None = None
    by: Id | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return `of` if it cannot be used."""
        yield from scope_faults(self.of)

    def unknown_values(self) -> Iterator[tuple[str, str]]:
        """Return the channel if it does not exist."""
        yield from unknown_channels("channel", [self.channel])


class QuietWindow(EventPart, frozen=True, kw_only=True):
    """A time of the wall clock on some days; one that ends before it begins ends the next day."""

    days: Annotated[tuple[Day, ...], Meta(min_length=1, max_length=7)]
    begin: ClockTime
    until: EndTime


class QuietHoursSet(Event, frozen=True, kw_only=True):
    """The times at which a user, or by default the tenant's users, are not disturbed.

    They replace earlier ones as a whole. `zone`: the time zone, if it is not the user's.
    `channels`: those that are quiet; all of them if empty.
    """

    type: ClassVar[str] = "quiet_hours.set"
    user_id: Id | None = None
    zone: TimezoneName | None = None
    windows: Annotated[tuple[QuietWindow, ...], Meta(min_length=1, max_length=WINDOWS_LIMIT)]
    channels: Annotated[tuple[Name, ...], Meta(max_length=CHANNELS_LIMIT)] = ()
    by: Id | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return a zone that has no form of one, and the windows without a length."""
        if self.zone is not None and not TIMEZONE_NAME.fits(self.zone):
            yield "zone", TIMEZONE_NAME.reason
        for index, window in enumerate(self.windows):
            if window.begin == window.until:
                yield f"windows[{index}].until", "must differ from `begin`; a whole day ends 24:00"

    def unknown_values(self) -> Iterator[tuple[str, str]]:
        """Return the zone and the channels that do not exist."""
        if self.zone is not None and (fault := timezone_fault(self.zone)):
            yield "zone", fault
        yield from unknown_channels("channels", self.channels)


class QuietHoursCleared(Event, frozen=True, kw_only=True):
    """The quiet hours of a user, or of the tenant, hold no longer."""

    type: ClassVar[str] = "quiet_hours.cleared"
    user_id: Id | None = None
    by: Id | None = None


class PauseSet(Event, frozen=True, kw_only=True):
    """A user is not disturbed until a time; without `until`, the pause is over."""

    type: ClassVar[str] = "pause.set"
    user_id: Id
    until: Time | None = None
    by: Id | None = None


EVENTS: tuple[type[Event], ...] = (
    PreferenceSet,
    PreferenceCleared,
    QuietHoursSet,
    QuietHoursCleared,
    PauseSet,
)
