"""Events about where a user is reached: addresses, devices, and channels that work again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta
from tidings.contracts.channels import AddressChannel, DeviceKind
from tidings.contracts.cloudevents import Time
from tidings.contracts.event import Event, EventPart
from tidings.contracts.ids import Id
from tidings.contracts.text_forms import LOCALE_NAME, TIMEZONE_NAME, timezone_fault
from tidings.domains.addresses.forms import (
    ADDRESS_LIMIT_CHARACTERS,
    TOKEN_LIMIT_CHARACTERS,
    TOKEN_PATTERN,
    WEB_ADDRESS,
    apprise_fault,
    auth_fault,
    email_fault,
    p256dh_fault,
    web_address_fault,
)

APPRISE = "apprise"
"""The service for products that only the library of this name sends to."""
ChatService = Literal["slack", "teams", "discord", "mattermost", "ntfy", "apprise"]
AddressText = Annotated[
    str, Meta(extra_json_schema={"minLength": 1, "maxLength": ADDRESS_LIMIT_CHARACTERS})
]
WebAddress = Annotated[str, Meta(extra_json_schema=WEB_ADDRESS)]
Label = Annotated[str, Meta(min_length=1, max_length=96, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Token = Annotated[str, Meta(min_length=1, max_length=TOKEN_LIMIT_CHARACTERS, pattern=TOKEN_PATTERN)]
LocaleName = Annotated[str, Meta(extra_json_schema=LOCALE_NAME.json_schema)]
TimezoneName = Annotated[str, Meta(extra_json_schema=TIMEZONE_NAME.json_schema)]
Key = Annotated[str, Meta(min_length=1, max_length=128)]
Generation = Annotated[int, Meta(ge=1, le=2**31 - 1)]
"""Which secret signs what is sent to a web address; a higher one replaces the one before."""


class AddressGiven(Event, frozen=True, kw_only=True):
    """A user has an address: a mailbox, or a web address by https.

    The same `address_id` replaces an earlier address. Until it is confirmed, only the message that
    asks for it is sent there; a service that knows the address to be the user's states it as
    `confirmed`. `service`: the product behind a chat's web address. `previous_until`: until then,
    the secret of the `generation` before signs too.
    """

    type: ClassVar[str] = "address.given"
    user_id: Id
    address_id: Id
    channel: AddressChannel
    address: AddressText
    label: Label | None = None
    service: ChatService | None = None
    generation: Generation = 1
    previous_until: Time | None = None
    confirmed: bool = False

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the fields that cannot be used, each with the reason."""
        if fault := self._address_fault():
            yield "address", fault
        if (self.channel == "chat") != (self.service is not None):
            yield "service", "goes with `channel: chat`, which needs it"

    def _address_fault(self) -> str | None:
        if self.service is None:
            return address_fault(self.channel, self.address)
        check = apprise_fault if self.service == APPRISE else web_address_fault
        return check(self.address)


class AddressConfirmed(Event, frozen=True, kw_only=True):
    """A user confirmed an address; it counts for this `address` only, not for a later one."""

    type: ClassVar[str] = "address.confirmed"
    user_id: Id
    address_id: Id
    channel: AddressChannel
    address: AddressText

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the address if it cannot be used."""
        if fault := address_fault(self.channel, self.address):
            yield "address", fault


class AddressWithdrawn(Event, frozen=True, kw_only=True):
    """Nothing is sent to an address any more, until it is given anew."""

    type: ClassVar[str] = "address.withdrawn"
    user_id: Id
    address_id: Id
    channel: AddressChannel | None = None


class PushSubscription(EventPart, frozen=True, kw_only=True):
    """Where a browser receives, and the keys to encrypt for it (RFC 8291), in base64url."""

    endpoint: WebAddress
    p256dh: Key
    auth: Key


class DeviceRegistered(Event, frozen=True, kw_only=True):
    """A device of a user receives pushes: by a token, or a browser by its subscription.

    `locale`, `zone`: those of the device, which may differ from the user's. `app`: the app's name
    at the push service.
    """

    schema_constraint: ClassVar[dict[str, Any]] = {
        "if": {"properties": {"kind": {"const": "webpush"}}},
        "then": {"properties": {"subscription": {}}, "required": ["subscription"]},
        "else": {"properties": {"token": {}}, "required": ["token"]},
    }
    type: ClassVar[str] = "device.registered"
    user_id: Id
    device_id: Id
    kind: DeviceKind
    token: Token | None = None
    subscription: PushSubscription | None = None
    locale: LocaleName | None = None
    zone: TimezoneName | None = None
    app: Label | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the fields that cannot be used, each with the reason."""
        is_browser = self.kind == "webpush"
        if is_browser != (self.subscription is not None):
            yield "subscription", "goes with `kind: webpush`, which needs it"
        if is_browser == (self.token is not None):
            yield "token", "goes with `kind: apns` and `kind: fcm`, which need it"
        if self.subscription:
            yield from _subscription_faults(self.subscription)
        if self.locale is not None and not LOCALE_NAME.fits(self.locale):
            yield "locale", LOCALE_NAME.reason
        if self.zone is not None and not TIMEZONE_NAME.fits(self.zone):
            yield "zone", TIMEZONE_NAME.reason

    def unknown_values(self) -> Iterator[tuple[str, str]]:
        """Return the time zone if it does not exist, with those of a similar name."""
        if self.zone is not None and (fault := timezone_fault(self.zone)):
            yield "zone", fault


class DeviceUnregistered(Event, frozen=True, kw_only=True):
    """A device receives no pushes any more."""

    type: ClassVar[str] = "device.unregistered"
    user_id: Id
    device_id: Id
    reason: Label | None = None


class ChannelRestored(Event, frozen=True, kw_only=True):
    """What was suppressed is sent to again: an address or a device of a user, or an endpoint."""

    type: ClassVar[str] = "channel.restored"
    user_id: Id | None = None
    address_id: Id | None = None
    device_id: Id | None = None
    endpoint_id: Id | None = None
    by: Id | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the fields that do not name one place."""
        yield from place_faults(self.user_id, self.address_id, self.device_id, self.endpoint_id)


def address_fault(channel: AddressChannel, address: str) -> str | None:
    """Return why an address cannot be used on a channel; None if it can."""
    if channel == "email":
        return email_fault(address)
    fault = web_address_fault(address)
    return None if channel == "chat" and not apprise_fault(address) else fault


def place_faults(
    user: str | None, address: str | None, device: str | None, endpoint: str | None
) -> Iterator[tuple[str, str]]:
    """Return why the ids do not name one place: a user's address or device, or an endpoint."""
    if sum(each is not None for each in (address, device, endpoint)) != 1:
        yield "address_id", "one of `address_id`, `device_id` and `endpoint_id` is needed"
    elif (endpoint is None) != (user is not None):
        yield "user_id", "goes with `address_id` and `device_id`, which need it"


def _subscription_faults(subscription: PushSubscription) -> Iterator[tuple[str, str]]:
    for name, fault in (
        ("endpoint", web_address_fault(subscription.endpoint)),
        ("p256dh", p256dh_fault(subscription.p256dh)),
        ("auth", auth_fault(subscription.auth)),
    ):
        if fault:
            yield f"subscription.{name}", fault


EVENTS: tuple[type[Event], ...] = (
    AddressGiven,
    AddressConfirmed,
    AddressWithdrawn,
    DeviceRegistered,
    DeviceUnregistered,
    ChannelRestored,
)
