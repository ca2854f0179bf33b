"""The time that a client has to send what is being read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum, auto

from tidings.runtime.http.connections.bounds import ConnectionBounds


class Reading(Enum):
    """What is being read."""

    HEAD = auto()
    BODY = auto()
    """A part of a body."""
    ANSWERED_BODY = auto()
    """The rest of a body whose request is answered already."""
    REFUSED = auto()
    """What follows a refusal."""


class ReadTimer:
    """The timer of a connection, for one thing at a time."""

    __slots__ = ("_expire", "_loop", "_reading", "_seconds", "_timer")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bounds: ConnectionBounds,
        expire: Callable[[Reading], None],
    ) -> None:
        self._loop = loop
        self._expire = expire
        self._seconds = {
            Reading.HEAD: bounds.head_seconds,
            Reading.BODY: bounds.body_window_seconds,
            Reading.ANSWERED_BODY: bounds.close_seconds,
            Reading.REFUSED: bounds.refusal_seconds,
        }
        self._reading = Reading.HEAD
        self._timer: asyncio.TimerHandle | None = None

    def start(self, reading: Reading) -> None:
        """Start the time of what is being read; goes on if it has started already."""
        if self._timer:
            if self._reading is reading:
                return
            self._timer.cancel()
        self._reading = reading
        self._timer = self._loop.call_later(self._seconds[reading], self._end)

    def stop(self) -> None:
        """Stop the timer, if it runs."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        self._expire(self._reading)
