"""The channels beyond the page: as people choose them, and as deliveries go out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Channel = Literal["email", "webhook", "webpush", "apns", "fcm", "chat"]
"""The ways of sending; each has a lane of its own."""
PreferenceChannel = Literal["email", "push", "webhook", "chat"]
"""The channels that people choose between."""
AddressChannel = Literal["email", "webhook", "chat"]
"""The channels that send to an address; the others send to a device."""
DeviceKind = Literal["webpush", "apns", "fcm"]

PREFERENCE_CHANNELS: tuple[PreferenceChannel, ...] = get_args(PreferenceChannel)
PREFERENCE_CHANNEL_OF: Mapping[Channel, PreferenceChannel] = MappingProxyType(
    {
        "email": "email",
        "webhook": "webhook",
        "webpush": "push",
        "apns": "push",
        "fcm": "push",
        "chat": "chat",
    }
)
"""The channel of people's preferences that a way of sending belongs to."""
