"""Carrier: a way from a client to the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

from tidings.contracts.http import Appended


class Wrong(Exception):
    """One event of those carried is not taken: which one (from 0), which field of it, and what would be right; none of them is stored."""

    def __init__(self, place: int, field: str, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.place = place
        self.field = field
        self.reason = reason
        self.too_large = too_large


class Carrier(Protocol):
    """Over HTTP to the gateway, or over NATS to the log itself."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...

    async def carry(self, bodies: Sequence[bytes]) -> list[Appended]:
        """Have up to 1000 events appended, all or none; raises Wrong of one of them, Unavailable, or Permanent."""
        ...
