"""Pace: at most so many a second, over all who share it."""

from __future__ import annotations

import asyncio


class Pace:
    """Lets `rate` a second pass, in the order in which they came; after a silence one at once."""

    def __init__(self, rate: float) -> None:
        self._interval_seconds = 1 / rate
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for one's turn."""
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._interval_seconds
        await asyncio.sleep(turn - now)
