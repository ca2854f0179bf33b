"""The message on `position.<service>.<p>`: how far a service has processed a partition's events."""

from __future__ import annotations

from msgspec import Struct


class PositionMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The position of a service in a partition: the sequence of an event, and an offset in its
    outputs.

    `since`: messages after that sequence of `NOTIFICATIONS` may carry a later position in a header.
    A takeover writes it, because it appends its position before it has read those messages. Any
    other position message is final until the next one.
    """

    sequence: int
    offset: int = 0
    epoch: str
    since: int | None = None
