"""The settings of people and tenants as of an event, made of the rows of the read model; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct
from tidings.contracts.notifications import Moment
from tidings.contracts.subjects import Person
from tidings.domains.preferences.forms import Scope, parse_scope
from tidings.projections.preferences.changes import place_key
from tidings.projections.preferences.values import (
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

SettingRow = tuple[str, str, Kind, str, int, str]
"""A row of `SETTINGS_AS_OF`: tenant, user_id, kind, key, since, value."""
Value = TypeVar("Value", bound=Struct)


class Preference(NamedTuple):
    """A preference of a person or, by default, of their tenant; `event` states it."""

    of_tenant: bool
    scope: Scope
    event: int
    value: PreferenceValue

    @property
    def row(self) -> str:
        """Return its key for people: `user category:task email never`."""
        owner = "tenant" if self.of_tenant else "user"
        return f"{owner} {self.value.of} {self.value.channel or '*'} {self.value.how}"


class QuietHours(NamedTuple):
    """The quiet hours of a person or, if they have none, of their tenant; `event` states them."""

    of_tenant: bool
    event: int
    value: QuietValue

    def are_for(self, channel: str) -> bool:
        """Return whether a channel of preferences is quiet then."""
        return not self.value.channels or channel in self.value.channels


class Pause(NamedTuple):
    """A person is not disturbed until a time; `event` states it."""

    until: Moment
    event: int


class Address(NamedTuple):
    """An address of a person. It is used if it is `confirmed` and not `suppressed`."""

    id: str
    event: int
    value: AddressValue
    confirmed: bool
    suppressed: SuppressedValue | None


class Device(NamedTuple):
    """A device of a person; it is used if it is not `suppressed`."""

    id: str
    event: int
    value: DeviceValue
    suppressed: SuppressedValue | None


class Endpoint(NamedTuple):
    """A webhook of a tenant; it is used if it is not `suppressed`.

    `replay`: the event that asked last to send events again, and since when.
    """

    id: str
    event: int
    value: EndpointValue
    suppressed: SuppressedValue | None
    replay: tuple[int, Moment] | None = None


class PersonSettings(NamedTuple):
    """All that was settled for a person as of an event, their tenant's defaults included.

    `addresses` and `devices`: without those that were withdrawn, the earliest first. `zones`: names
    of time zones, the first that exists counts (`quiet.first_zone`).
    """

    preferences: tuple[Preference, ...] = ()
    quiet: QuietHours | None = None
    pause: Pause | None = None
    addresses: tuple[Address, ...] = ()
    devices: tuple[Device, ...] = ()
    locale: str | None = None
    zones: tuple[str, ...] = ()


class Settings(NamedTuple):
    """The settings of many people, and the webhooks of their tenants."""

    people: Mapping[Person, PersonSettings]
    endpoints: Mapping[str, tuple[Endpoint, ...]]


def read_settings(people: Iterable[Person], rows: Iterable[SettingRow]) -> Settings:
    """Return the settings of people; one without any settings has empty ones."""
    owned: dict[tuple[str, str], list[SettingRow]] = defaultdict(list)
    for row in rows:
        owned[row[0], row[1]].append(row)
    owners = {owner: _Owner(rows) for owner, rows in owned.items()}
    nobody = _Owner(())
    return Settings(
        {
            person: _person_settings(
                owners.get(person, nobody), owners.get((person.tenant, TENANT), nobody)
            )
            for person in people
        },
        {
            tenant: owner.endpoints()
            for (tenant, user), owner in owners.items()
            if user == TENANT and owner.has("endpoint")
        },
    )


def _person_settings(own: _Owner, tenant: _Owner) -> PersonSettings:
    zones = (own.text("zone"), tenant.text("zone"))
    return PersonSettings(
        preferences=(*own.preferences(of_tenant=False), *tenant.preferences(of_tenant=True)),
        quiet=own.quiet(of_tenant=False) or tenant.quiet(of_tenant=True),
        pause=own.pause(),
        addresses=own.addresses(),
        devices=own.devices(),
        locale=own.text("locale"),
        zones=tuple(zone for zone in zones if zone),
    )


class _Owner:
    """The rows of one person or tenant, by their kind and key."""

    def __init__(self, rows: Iterable[SettingRow]) -> None:
        self._kinds: dict[Kind, dict[str, tuple[int, str]]] = defaultdict(dict)
        for _, _, kind, key, since, value in rows:
            self._kinds[kind][key] = (since, value)

    def has(self, kind: Kind) -> bool:
        return kind in self._kinds

    def text(self, kind: Kind) -> str | None:
        found = self._one(kind, TextValue)
        return found[1].text if found else None

    def preferences(self, *, of_tenant: bool) -> Iterable[Preference]:
        for _, event, value in self._all("preference", PreferenceValue):
            if scope := parse_scope(value.of):
                yield Preference(of_tenant, scope, event, value)

    def quiet(self, *, of_tenant: bool) -> QuietHours | None:
        found = self._one("quiet", QuietValue)
        return QuietHours(of_tenant, *found) if found else None

    def pause(self) -> Pause | None:
        found = self._one("pause", PauseValue)
        return Pause(found[1].until, found[0]) if found else None

    def addresses(self) -> tuple[Address, ...]:
        confirmations = {key: value.text for key, _, value in self._all("confirmed", TextValue)}
        addresses = (
            Address(
                id=key,
                event=event,
                value=value,
                confirmed=value.confirmed or confirmations.get(key) == value.address,
                suppressed=self._suppression(place_key(address=key), event),
            )
            for key, event, value in self._all("address", AddressValue)
        )
        return tuple(
            address
            for address in addresses
            if not (address.suppressed and address.suppressed.reason == "withdrawn")
        )

    def devices(self) -> tuple[Device, ...]:
        return tuple(
            Device(key, event, value, self._suppression(place_key(device=key), event))
            for key, event, value in self._all("device", DeviceValue)
        )

    def endpoints(self) -> tuple[Endpoint, ...]:
        replays = {
            key: (event, value.since) for key, event, value in self._all("replay", ReplayValue)
        }
        return tuple(
            Endpoint(
                key,
                event,
                value,
                self._suppression(place_key(endpoint=key), event),
                replays.get(key),
            )
            for key, event, value in self._all("endpoint", EndpointValue)
        )

    def _suppression(self, place: str, since: int) -> SuppressedValue | None:
        """Return the suppression of a place if it is newer than what is there."""
        event, value = self._kinds.get("suppressed", {}).get(place, (0, ""))
        return msgspec.json.decode(value, type=SuppressedValue) if event > since else None

    def _one(self, kind: Kind, shape: type[Value]) -> tuple[int, Value] | None:
        return next(((event, value) for _, event, value in self._all(kind, shape)), None)

    def _all(self, kind: Kind, shape: type[Value]) -> Iterable[tuple[str, int, Value]]:
        for key, (event, value) in self._kinds.get(kind, {}).items():
            yield key, event, _decoder(shape).decode(value)


def _decoder(shape: type[Value]) -> msgspec.json.Decoder[Value]:
    decoder: Any = _DECODERS[shape]
    return decoder


_DECODERS: Mapping[type[Struct], msgspec.json.Decoder[Any]] = {
    shape: msgspec.json.Decoder(shape)
    for shape in (
        PreferenceValue,
        QuietValue,
        PauseValue,
        AddressValue,
        DeviceValue,
        EndpointValue,
        ReplayValue,
        SuppressedValue,
        TextValue,
    )
}
