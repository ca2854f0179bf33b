"""Bodies about the devices of a user that receive pushes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from tidings.contracts.channels import DeviceKind
from tidings.contracts.ids import Id
from tidings.domains.addresses.events import Label, LocaleName, PushSubscription, TimezoneName
from tidings.domains.addresses.forms import TOKEN_LIMIT_CHARACTERS, TOKEN_PATTERN
from tidings.domains.deliveries.events import SuppressionReason

TokenText = Annotated[
    str,
    Meta(
        extra_json_schema={
            "minLength": 1,
            "maxLength": TOKEN_LIMIT_CHARACTERS,
            "pattern": TOKEN_PATTERN,
        }
    ),
]


class DeviceRegistration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device: a browser by its `subscription`, another one by the `token` of its push service.

    `locale`, `zone`: those of the device; `app`: what runs on it, for the user to recognise it.
    """

    kind: DeviceKind
    token: TokenText | None = None
    subscription: PushSubscription | None = None
    locale: LocaleName | None = None
    zone: TimezoneName | None = None
    app: Label | None = None


class RegisteredDevice(Struct, frozen=True, kw_only=True):
    """A device that was registered; `sequence` is that of the event that states it.

    Its id is the same whenever this user registers the same device.
    """

    device_id: Id
    sequence: int


class DeviceState(Struct, frozen=True, kw_only=True):
    """A device of a user, without what its push service knows it by.

    `suppressed`: why nothing is sent to it any more, until it is registered anew.
    """

    device_id: Id
    kind: DeviceKind
    app: str | None
    locale: str | None
    zone: str | None
    suppressed: SuppressionReason | None
    event: int


class Devices(Struct, frozen=True, kw_only=True):
    """The devices of a user, the earliest first; `webpush`: whether browsers can be pushed to."""

    devices: tuple[DeviceState, ...]
    webpush: bool


class PushKey(Struct, frozen=True, kw_only=True):
    """The key by which a browser subscribes (`applicationServerKey`), in base64url."""

    key: str


class PushTest(Struct, frozen=True, kw_only=True):
    """What the push service answered to a test: whether it was `sent`, and its code."""

    sent: bool
    code: str
