"""Places: where a person is reached on a channel, by an address or a device; pure."""

from __future__ import annotations

from collections.abc import Sequence

from tidings.contracts.channels import Channel
from tidings.contracts.deliveries import Reason
from tidings.projections.preferences.settings import Address, Device, PersonSettings

Place = Address | Device


def usable_places(settings: PersonSettings, channel: Channel) -> Sequence[Place]:
    """Return the places of a person that a channel sends to.

    Mails go to one address: the confirmed one that was given last.
    """
    usable = [place for place in places_of(settings, channel) if place_veto(place) is None]
    return usable[-1:] if channel == "email" else usable


def find_place(settings: PersonSettings, channel: Channel, id: str) -> Place | None:
    """Return a place of a person on a channel, None if there is none of this id."""
    return next((place for place in places_of(settings, channel) if place.id == id), None)


def place_veto(place: Place | None) -> Reason | None:
    """Return why nothing may be sent to a place, None if it may."""
    if place is None:
        return Reason(code="no_address")
    if place.suppressed:
        return Reason(code="suppressed", row=place.suppressed.reason)
    if isinstance(place, Address) and not place.confirmed:
        return Reason(code="unconfirmed")
    return None


def places_of(settings: PersonSettings, channel: Channel) -> Sequence[Place]:
    """Return all places of a person on a channel, also those that nothing may be sent to."""
    match channel:
        case "email" | "webhook" | "chat":
            return [each for each in settings.addresses if each.value.channel == channel]
        case "webpush" | "apns" | "fcm":
            return [each for each in settings.devices if each.value.kind == channel]
