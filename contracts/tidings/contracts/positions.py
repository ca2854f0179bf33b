"""Positions: how far a service has routed a partition's events, as said on `position.<service>.<p>`."""

from __future__ import annotations

from msgspec import Struct


class PositionMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands on `position.notifier.<p>`.

    `since`: appends after that sequence of `NOTIFICATIONS` may carry a later position in their header. A takeover writes
    it, because it comes before the tail is read; any other position message is itself the latest word.
    """

    sequence: int
    offset: int = 0
    epoch: str
    since: int | None = None
