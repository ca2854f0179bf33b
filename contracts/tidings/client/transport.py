"""The interface of a transport, which carries events from a client to the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

from tidings.contracts.http_bodies.results import AppendResult


class RejectedEvent(Exception):
    """One event of a batch is invalid, so none of them is stored.

    `index` is its index in the batch, `field` the faulty field, `reason` the fault.
    """

    def __init__(self, index: int, field: str, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.index = index
        self.field = field
        self.reason = reason
        self.too_large = too_large


class Transport(Protocol):
    """A transport over HTTP to the gateway, or over NATS to the log."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...

    async def send(self, bodies: Sequence[bytes]) -> list[AppendResult]:
        """Append up to 1000 events, all or none.

        Raises RejectedEvent for one of them, Unavailable, or Permanent.
        """
        ...
