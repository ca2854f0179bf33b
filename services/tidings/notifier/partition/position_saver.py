"""The position saver: saves the position of a partition often enough, and not more often."""

from __future__ import annotations

import asyncio
import random

from tidings.notifier.partition.router import Router

SAVE_IDLE_SECONDS = 0.5
SAVE_BUSY_SECONDS = 2.0
SAVE_AGAIN_SECONDS = 300.0
"""A quiet partition saves its position again: a takeover reads the log only back to there."""


class PositionSaver:
    """Saves a router's position whenever it is due."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._now = asyncio.get_running_loop().time
        # Partitions that are taken over together do not save at the same moments.
        self._saved = self._now() - random.uniform(0, SAVE_BUSY_SECONDS)
        self._rewritten = self._now()

    def is_due(self) -> bool:
        """Return whether nothing was saved for a while."""
        return self._now() - self._saved > SAVE_BUSY_SECONDS

    async def save_if_due(self, *, is_idle: bool) -> None:
        """Save the position if nothing comes, or for a while nothing was saved.

        Raises Unavailable or Fenced.
        """
        if is_idle or self.is_due():
            again = self._now() - self._rewritten > SAVE_AGAIN_SECONDS
            await self._router.save_position(again=again)
            self._saved = self._now()
            self._rewritten = self._saved if again else self._rewritten
