"""Validate events where they are emitted, with the errors that the gateway would return."""

from __future__ import annotations

from typing import Any

from tidings.client.errors import EventRefused, TooLarge
from tidings.contracts.codec import InvalidEvent
from tidings.contracts.envelope import EncodedEvent, Envelope
from tidings.contracts.event import Event
from tidings.contracts.messages import OversizedEvent, accept_event


def validate_body(body: bytes) -> EncodedEvent:
    """Return an encoded event with its id; raises EventRefused or TooLarge.

    Reserved events pass: the gateway accepts them from a client that restores an exported log.
    """
    try:
        return EncodedEvent(id=accept_event(body, restores=True).id, body=body)
    except OversizedEvent as error:
        raise TooLarge("", error.field, error.reason) from None
    except InvalidEvent as error:
        raise EventRefused("", error.field, error.reason) from None


def encode_event(envelope: Envelope, event: Event, **values: Any) -> EncodedEvent:
    """Return a valid event with values of `Envelope.encode`; raises EventRefused or TooLarge."""
    try:
        encoded = envelope.encode(event, **values)
    except InvalidEvent as error:
        raise EventRefused(str(values.get("id") or ""), error.field, error.reason) from None
    return validate_event(encoded)


def validate_event(encoded: EncodedEvent) -> EncodedEvent:
    """Return an encoded event that is valid; raises EventRefused or TooLarge."""
    try:
        accept_event(encoded.body)
    except OversizedEvent as error:
        raise TooLarge(encoded.id, error.field, error.reason) from None
    except InvalidEvent as error:
        raise EventRefused(encoded.id, error.field, error.reason) from None
    return encoded
