"""Event feeds: the events that the routing loop has received for each partition."""

from __future__ import annotations

from collections import deque
from itertools import islice

from tidings.runtime.log.follow import StreamMessage

KEPT_LIMIT_MESSAGES = 2000
KEPT_LIMIT_BYTES = 4 * 1024 * 1024


class EventFeed:
    """The events of one partition that are received and not routed yet.

    All events up to `passed` were routed elsewhere, or were dropped here: only a router that has
    come so far can go on with those that are kept.
    """

    def __init__(self) -> None:
        self.kept: deque[StreamMessage] = deque()
        self.passed = 0
        self.is_led = False
        self._bytes = 0

    def start(self, after: int) -> None:
        """Begin anew: events after a sequence will come."""
        self.kept.clear()
        self.passed, self._bytes = after, 0

    def add(self, message: StreamMessage, *, is_bounded: bool) -> None:
        """Add an event; drop the oldest if there are too many, all if the partition is not led."""
        self.kept.append(message)
        self._bytes += len(message.data)
        if not self.is_led:
            self.drop_until(message.sequence)
        while is_bounded and (
            len(self.kept) > KEPT_LIMIT_MESSAGES or self._bytes > KEPT_LIMIT_BYTES
        ):
            self.drop_until(self.kept[0].sequence)

    def drop_until(self, sequence: int) -> None:
        """Drop the events up to a sequence."""
        while self.kept and self.kept[0].sequence <= sequence:
            dropped = self.kept.popleft()
            self.passed = dropped.sequence
            self._bytes -= len(dropped.data)

    def take(self, limit: int) -> list[StreamMessage]:
        """Remove and return the oldest events, up to a limit."""
        taken = list(islice(self.kept, limit))
        if taken:
            self.drop_until(taken[-1].sequence)
        return taken

    def end(self) -> None:
        """Drop all events: this process does not lead the partition any more."""
        self.is_led = False
        if self.kept:
            self.drop_until(self.kept[-1].sequence)
