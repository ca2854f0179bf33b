"""The client: what a domain service emits its events with; it needs httpx or nats-py, and nothing that the servers stand on."""

from __future__ import annotations

from tidings.client.errors import (
    Closed,
    EventRefused,
    Overloaded,
    TidingsError,
    TooLarge,
    Unauthorised,
    Unreachable,
)
from tidings.client.tidings import Emitted, Tidings

__all__ = [
    "Closed",
    "Emitted",
    "EventRefused",
    "Overloaded",
    "Tidings",
    "TidingsError",
    "TooLarge",
    "Unauthorised",
    "Unreachable",
]
