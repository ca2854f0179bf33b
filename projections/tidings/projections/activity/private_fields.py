"""Private fields: what events state that the activity log leaves out, such as mail addresses."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw
from tidings.domains.addresses.events import AddressConfirmed, AddressGiven, DeviceRegistered
from tidings.domains.endpoints.events import EndpointChanged, EndpointRegistered
from tidings.domains.people.events import UserJoined

PRIVATE_FIELDS: Mapping[str, frozenset[str]] = {
    UserJoined.type: frozenset({"email"}),
    AddressGiven.type: frozenset({"address", "label"}),
    AddressConfirmed.type: frozenset({"address"}),
    DeviceRegistered.type: frozenset({"token", "subscription"}),
    EndpointRegistered.type: frozenset({"url"}),
    EndpointChanged.type: frozenset({"url"}),
}
"""The fields by the type of the event: where people are reached, and what proves it."""

_decoder = msgspec.json.Decoder(dict[str, Raw])


def without_private_fields(event_type: str, data: bytes) -> bytes:
    """Return the data of an event without its private fields, unchanged if it has none.

    Of such an event whose data is no object, nothing is left.
    """
    private = PRIVATE_FIELDS.get(event_type)
    if private is None:
        return data
    try:
        fields = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return b"{}"
    return msgspec.json.encode(
        {name: value for name, value in fields.items() if name not in private}
    )
