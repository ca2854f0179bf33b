"""The values of settings, as the read model keeps them (JSON), and the kinds of settings."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from tidings.contracts.channels import AddressChannel, DeviceKind
from tidings.contracts.notifications import Moment
from tidings.domains.addresses.events import ChatService, PushSubscription
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
    "suppressed",
    "locale",
    "zone",
]
PROFILE_ADDRESS = "profile"
"""The id of the e-mail address that `user.joined` gives."""
TENANT = ""
"""The owner of a tenant's settings, in place of a user: no id is empty."""
DEVICES_LIMIT = 20
ADDRESSES_LIMIT = 20
PREFERENCES_LIMIT = 500
ENDPOINTS_LIMIT = 100
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
    confirmed: bool = False


class DeviceValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device that receives pushes."""

    kind: DeviceKind
    token: str | None = None
    subscription: PushSubscription | None = None
    locale: str | None = None
    zone: str | None = None
    app: str | None = None


class EndpointValue(Struct, frozen=True, kw_only=True):
    """A tenant's webhook."""

    url: str
    types: tuple[str, ...]
    generation: int


class SuppressedValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why nothing is sent to an address, a device or an endpoint."""

    reason: SuppressionReason | Literal["withdrawn"]
    code: str | None = None


class TextValue(Struct, frozen=True):
    """One text: the address that was confirmed, a locale, or a time zone."""

    text: str
