"""The client with which a domain service emits events; it needs httpx or nats-py only."""

from __future__ import annotations

from tidings.client.errors import (
    ClientClosed,
    EventRefused,
    Overloaded,
    TidingsError,
    TooLarge,
    Unauthorised,
    Unreachable,
)
from tidings.client.tidings import EmittedEvent, Tidings

__all__ = [
    "ClientClosed",
    "EmittedEvent",
    "EventRefused",
    "Overloaded",
    "Tidings",
    "TidingsError",
    "TooLarge",
    "Unauthorised",
    "Unreachable",
]
