"""The changes that events make to settings; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tidings.contracts.event import Event
from tidings.contracts.relations import LOCALE, TIMEZONE, RelationOpened
from tidings.contracts.text_forms import TIMEZONE_NAME
from tidings.domains.addresses.events import (
    AddressConfirmed,
    AddressGiven,
    AddressWithdrawn,
    ChannelRestored,
    DeviceRegistered,
    DeviceUnregistered,
)
from tidings.domains.addresses.forms import email_fault
from tidings.domains.announcements.events import (
    AnnouncementCancelled,
    AnnouncementPublished,
    AnnouncementRescheduled,
    AnnouncementScheduled,
)
from tidings.domains.deliveries.events import ChannelSuppressed
from tidings.domains.endpoints.events import (
    EndpointChanged,
    EndpointRegistered,
    EndpointReplayed,
    EndpointWithdrawn,
)
from tidings.domains.people.events import TenantConfigured, UserJoined, UserLeft
from tidings.domains.people.relations import RELATIONS
from tidings.domains.preferences.events import (
    PauseSet,
    PreferenceCleared,
    PreferenceSet,
    QuietHoursCleared,
    QuietHoursSet,
)
from tidings.projections.preferences.schedule_changes import (
    announcement_cancelled,
    announcement_published,
    announcement_scheduled,
)
from tidings.projections.preferences.setting_change import (
    SettingChange,
    SettingCleared,
    give_setting,
)
from tidings.projections.preferences.values import (
    PROFILE_ADDRESS,
    TENANT,
    AddressValue,
    DeviceValue,
    EndpointValue,
    Kind,
    PauseValue,
    PreferenceValue,
    QuietValue,
    ReplayValue,
    SuppressedValue,
    TextValue,
)

_PEOPLE = (UserJoined, UserLeft, TenantConfigured)


def setting_changes(event: Event, at_seconds: int = 0) -> Iterator[SettingChange]:
    """Return the settings that an event begins and ends; `at_seconds`: when it was appended."""
    changes = _CHANGES.get(event.__class__)
    if not changes or not _is_usable(event):
        return
    if isinstance(event, DeviceRegistered):
        yield _device_registered(event, at_seconds)
    elif isinstance(event, AnnouncementScheduled | AnnouncementRescheduled):
        yield from announcement_scheduled(event, at_seconds)
    else:
        yield from changes(event)


def preference_key(of: str, channel: str | None) -> str:
    """Return the key of a preference: another one with the same key replaces it."""
    return f"{channel or '*'} {of}"


def _is_usable(event: Event) -> bool:
    """Return whether an event's values can be used; an older log may have any.

    The values of events about people are looked at one by one.
    """
    return isinstance(event, _PEOPLE) or next(event.faults(), None) is None


def _user_joined(event: UserJoined) -> Iterator[SettingChange]:
    """Give the profile's address, locale and time zone, as far as they are stated."""
    user = event.user_id
    if event.email is not None:
        value = AddressValue(channel="email", address=event.email, confirmed=True)
        yield (
            SettingCleared(user, "address", PROFILE_ADDRESS)
            if email_fault(event.email)
            else give_setting(user, "address", PROFILE_ADDRESS, value, renews=False)
        )
    stated = {
        change.object: change.relation
        for change in RELATIONS[UserJoined](event)
        if isinstance(change, RelationOpened)
    }
    kinds: dict[Kind, tuple[str | None, str]] = {
        "locale": (event.locale, LOCALE),
        "zone": (event.timezone, TIMEZONE),
    }
    for kind, (text, object_) in kinds.items():
        if text is not None:
            yield (
                give_setting(user, kind, "", TextValue(stated[object_]), renews=False)
                if object_ in stated
                else SettingCleared(user, kind)
            )


def _tenant_configured(event: TenantConfigured) -> Iterator[SettingChange]:
    zone = event.timezone
    yield (
        give_setting(TENANT, "zone", "", TextValue(zone), renews=False)
        if zone is not None and TIMEZONE_NAME.fits(zone)
        else SettingCleared(TENANT, "zone")
    )


def _preference_set(event: PreferenceSet) -> Iterator[SettingChange]:
    value = PreferenceValue(
        of=event.of,
        channel=event.channel,
        how=event.how,
        after_seconds=event.after_seconds,
        digest=event.digest,
        required=event.required,
    )
    yield give_setting(event.user_id, "preference", preference_key(event.of, event.channel), value)


def _preference_cleared(event: PreferenceCleared) -> Iterator[SettingChange]:
    key = preference_key(event.of, event.channel)
    yield SettingCleared(event.user_id or TENANT, "preference", key)


def _quiet_hours_set(event: QuietHoursSet) -> Iterator[SettingChange]:
    value = QuietValue(zone=event.zone, windows=event.windows, channels=event.channels)
    yield give_setting(event.user_id, "quiet", "", value)


def _pause_set(event: PauseSet) -> Iterator[SettingChange]:
    yield (
        give_setting(event.user_id, "pause", "", PauseValue(until=event.until))
        if event.until
        else SettingCleared(event.user_id, "pause")
    )


def _address_given(event: AddressGiven) -> Iterator[SettingChange]:
    value = AddressValue(
        channel=event.channel,
        address=event.address,
        label=event.label,
        service=event.service,
        generation=event.generation,
        previous_until=event.previous_until,
        confirmed=event.confirmed,
    )
    yield give_setting(event.user_id, "address", event.address_id, value)


def _address_confirmed(event: AddressConfirmed) -> Iterator[SettingChange]:
    yield give_setting(event.user_id, "confirmed", event.address_id, TextValue(event.address))
    yield SettingCleared(event.user_id, "suppressed", place_key(address=event.address_id))


def _address_withdrawn(event: AddressWithdrawn) -> Iterator[SettingChange]:
    """End an address; the profile's one must stay ended when the profile is stated again."""
    user, address = event.user_id, event.address_id
    if address == PROFILE_ADDRESS:
        yield give_setting(
            user, "suppressed", place_key(address=address), SuppressedValue(reason="withdrawn")
        )
        return
    yield SettingCleared(user, "address", address)
    yield SettingCleared(user, "confirmed", address)
    yield SettingCleared(user, "suppressed", place_key(address=address))


def _device_registered(event: DeviceRegistered, at_seconds: int = 0) -> SettingChange:
    value = DeviceValue(
        kind=event.kind,
        token=event.token,
        subscription=event.subscription,
        locale=event.locale,
        zone=event.zone,
        app=event.app,
        registered=at_seconds,
    )
    return give_setting(event.user_id, "device", event.device_id, value)


def _device_unregistered(event: DeviceUnregistered) -> Iterator[SettingChange]:
    yield SettingCleared(event.user_id, "device", event.device_id)
    yield SettingCleared(event.user_id, "suppressed", place_key(device=event.device_id))


def _endpoint_given(event: EndpointRegistered | EndpointChanged) -> Iterator[SettingChange]:
    value = EndpointValue(
        url=event.url,
        types=event.types,
        generation=event.generation,
        previous_until=event.previous_until if isinstance(event, EndpointChanged) else None,
    )
    yield give_setting(TENANT, "endpoint", event.endpoint_id, value)


def _endpoint_replayed(event: EndpointReplayed) -> Iterator[SettingChange]:
    yield give_setting(TENANT, "replay", event.endpoint_id, ReplayValue(since=event.since))


def _endpoint_withdrawn(event: EndpointWithdrawn) -> Iterator[SettingChange]:
    yield SettingCleared(TENANT, "endpoint", event.endpoint_id)
    yield SettingCleared(TENANT, "replay", event.endpoint_id)
    yield SettingCleared(TENANT, "suppressed", place_key(endpoint=event.endpoint_id))


def _channel_suppressed(event: ChannelSuppressed) -> Iterator[SettingChange]:
    place = place_key(event.address_id, event.device_id, event.endpoint_id)
    value = SuppressedValue(reason=event.reason, code=event.code)
    yield give_setting(event.user_id, "suppressed", place, value)


def _channel_restored(event: ChannelRestored) -> Iterator[SettingChange]:
    place = place_key(event.address_id, event.device_id, event.endpoint_id)
    yield SettingCleared(event.user_id or TENANT, "suppressed", place)


def place_key(
    address: str | None = None, device: str | None = None, endpoint: str | None = None
) -> str:
    """Return the key of what a suppression is about; it counts if nothing newer is there."""
    if address is not None:
        return f"address:{address}"
    return f"device:{device}" if device is not None else f"endpoint:{endpoint}"


_CHANGES: Mapping[type[Event], Callable[[Any], Iterable[SettingChange]]] = {
    UserJoined: _user_joined,
    UserLeft: lambda event: [SettingCleared(event.user_id)],
    TenantConfigured: _tenant_configured,
    PreferenceSet: _preference_set,
    PreferenceCleared: _preference_cleared,
    QuietHoursSet: _quiet_hours_set,
    QuietHoursCleared: lambda event: [SettingCleared(event.user_id or TENANT, "quiet")],
    PauseSet: _pause_set,
    AddressGiven: _address_given,
    AddressConfirmed: _address_confirmed,
    AddressWithdrawn: _address_withdrawn,
    DeviceRegistered: lambda event: [_device_registered(event)],
    DeviceUnregistered: _device_unregistered,
    EndpointRegistered: _endpoint_given,
    EndpointChanged: _endpoint_given,
    EndpointReplayed: _endpoint_replayed,
    EndpointWithdrawn: _endpoint_withdrawn,
    ChannelSuppressed: _channel_suppressed,
    ChannelRestored: _channel_restored,
    AnnouncementScheduled: announcement_scheduled,
    AnnouncementRescheduled: announcement_scheduled,
    AnnouncementCancelled: announcement_cancelled,
    AnnouncementPublished: announcement_published,
}
SETTING_EVENTS = tuple(_CHANGES)
