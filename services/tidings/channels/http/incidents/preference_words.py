"""A person's preferences in the words of the incidents' front end, and back; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from tidings.contracts.channels import PREFERENCE_CHANNELS, PreferenceChannel
from tidings.contracts.event import Event
from tidings.domains.preferences.events import (
    DigestTime,
    How,
    PreferenceCleared,
    PreferenceSet,
    QuietHoursCleared,
    QuietHoursSet,
    QuietWindow,
)
from tidings.domains.preferences.forms import DAYS
from tidings.projections.preferences.settings import PersonSettings, Preference

ALL = "all"
INSTANT = "instant"
Frequency = Literal["instant", "hourly", "daily", "weekly"]
CHANNEL_WORDS: Mapping[str, PreferenceChannel] = MappingProxyType(
    {"email": "email", "push": "push", "webhook": "webhook", "chat": "chat"}
)
IN_APP = "in_app"
"""In the application everything is shown, so that its word changes nothing."""


class ChangedPreferences(Struct, frozen=True, kw_only=True):
    """What a front end changes; what it leaves out stays as it is."""

    notifications_enabled: bool | UnsetType = UNSET
    email_enabled: bool | UnsetType = UNSET
    email_frequency: Frequency | UnsetType = UNSET
    quiet_hours_enabled: bool | UnsetType = UNSET
    quiet_hours_start: str | UnsetType | None = UNSET
    quiet_hours_end: str | UnsetType | None = UNSET
    quiet_hours_timezone: str | UnsetType | None = UNSET
    channel_preferences: dict[str, tuple[str, ...]] | UnsetType = UNSET
    min_priority_email: str | UnsetType | None = UNSET
    min_priority_sms: str | UnsetType | None = UNSET
    category_settings: dict[str, Any] | UnsetType = UNSET


class UnknownWord(ValueError):
    """A value that has no meaning here: `field`, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def preference_fields(settings: PersonSettings) -> dict[str, Any]:
    """Return a person's preferences as the front end shows them."""
    everything, mails = _own(settings, None), _own(settings, "email")
    quiet = settings.quiet
    window = quiet.value.windows[0] if quiet else None
    return {
        "notifications_enabled": everything is None or everything.value.how != "never",
        "email_enabled": mails is None or mails.value.how != "never",
        "email_frequency": _frequency(mails),
        "quiet_hours_enabled": quiet is not None,
        "quiet_hours_start": window and window.begin,
        "quiet_hours_end": window and window.until,
        "quiet_hours_timezone": (quiet.value.zone if quiet else None)
        or next(iter(settings.zones), "UTC"),
        "channel_preferences": _channels_of_types(settings),
        "min_priority_email": None,
        "min_priority_sms": None,
        "category_settings": {},
    }


def preference_events(
    changed: ChangedPreferences, settings: PersonSettings, user: str
) -> Iterator[Event]:
    """Return the events of a change; raises UnknownWord."""
    _require_known(changed)
    if changed.notifications_enabled is not UNSET:
        yield _preference(user, ALL, None, None if changed.notifications_enabled else "never")
    if changed.email_enabled is not UNSET or changed.email_frequency is not UNSET:
        yield _mail_preference(changed, settings, user)
    if not all(each is UNSET for each in _quiet_fields(changed)):
        yield _quiet_event(changed, settings, user)
    if changed.channel_preferences is not UNSET:
        for type_word, channels in changed.channel_preferences.items():
            yield from _type_preferences(type_word, channels, user)


def canonical_type(word: str) -> str:
    """Return the type of a word of the front end: `incident.assigned` of `incident_assigned`."""
    return word if "." in word else word.replace("_", ".", 1)


def _require_known(changed: ChangedPreferences) -> None:
    for field in ("min_priority_email", "min_priority_sms"):
        if getattr(changed, field) not in (UNSET, None):
            raise UnknownWord(field, "is not supported; choose by type or e-mail frequency")
    if changed.category_settings not in (UNSET, {}):
        raise UnknownWord("category_settings", "is not supported; choose by type")


def _mail_preference(changed: ChangedPreferences, settings: PersonSettings, user: str) -> Event:
    before = preference_fields(settings)
    enabled = before["email_enabled"] if changed.email_enabled is UNSET else changed.email_enabled
    frequency: Frequency = (
        before["email_frequency"] if changed.email_frequency is UNSET else changed.email_frequency
    )
    if not enabled:
        return _preference(user, ALL, "email", "never")
    if frequency == INSTANT:
        return _preference(user, ALL, "email", "now")
    return _preference(user, ALL, "email", "digest", DigestTime(every=frequency))


def _quiet_fields(changed: ChangedPreferences) -> tuple[Any, ...]:
    return (
        changed.quiet_hours_enabled,
        changed.quiet_hours_start,
        changed.quiet_hours_end,
        changed.quiet_hours_timezone,
    )


def _quiet_event(changed: ChangedPreferences, settings: PersonSettings, user: str) -> Event:
    before = preference_fields(settings)
    names = ("enabled", "start", "end", "timezone")
    enabled, start, end, zone = (
        before[f"quiet_hours_{name}"] if value is UNSET else value
        for name, value in zip(names, _quiet_fields(changed), strict=True)
    )
    if not enabled:
        return QuietHoursCleared(user_id=user, by=user)
    if not start or not end:
        raise UnknownWord("quiet_hours_start", "goes with `quiet_hours_end`, such as 22:00, 07:00")
    windows = (QuietWindow(days=DAYS, begin=start[:5], until=end[:5]),)
    return QuietHoursSet(user_id=user, zone=zone, windows=windows, by=user)


def _type_preferences(word: str, channels: tuple[str, ...], user: str) -> Iterator[Event]:
    if unknown := set(channels) - {*CHANNEL_WORDS, IN_APP}:
        known = ", ".join((IN_APP, *CHANNEL_WORDS))
        raise UnknownWord(f"channel_preferences.{word}", f"{sorted(unknown)[0]} is none of {known}")
    wanted = {CHANNEL_WORDS[each] for each in channels if each != IN_APP}
    for channel in PREFERENCE_CHANNELS:
        how: How = "now" if channel in wanted else "never"
        yield _preference(user, f"type:{canonical_type(word)}", channel, how)


def _preference(
    user: str,
    of: str,
    channel: PreferenceChannel | None,
    how: How | None,
    digest: DigestTime | None = None,
) -> Event:
    if how is None:
        return PreferenceCleared(user_id=user, of=of, channel=channel, by=user)
    return PreferenceSet(user_id=user, of=of, channel=channel, how=how, digest=digest, by=user)


def _own(settings: PersonSettings, channel: PreferenceChannel | None) -> Preference | None:
    """Return what a person chose of everything on a channel, or on every channel."""
    for each in settings.preferences:
        if not each.of_tenant and (each.value.of, each.value.channel) == (ALL, channel):
            return each
    return None


def _frequency(mails: Preference | None) -> Frequency:
    if mails is None or mails.value.how != "digest" or mails.value.digest is None:
        return INSTANT
    every = mails.value.digest.every
    return "hourly" if every == "gathered" else every


def _channels_of_types(settings: PersonSettings) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in settings.preferences:
        if not each.of_tenant and each.scope.kind == "type" and each.value.channel:
            channels = found.setdefault(each.scope.name.replace(".", "_"), [IN_APP])
            if each.value.how != "never":
                channels.append(each.value.channel)
    return found
