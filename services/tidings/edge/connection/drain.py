"""The drain: before the process stops, ask all clients to reconnect elsewhere, spread over time."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from tidings.edge.delivery.ack_writer import AckWriter
from tidings.edge.delivery.hub import Hub

RECONNECTS_PER_SECOND = 1000
LEAVE_TIMEOUT_SECONDS = 2.0


class Drain:
    """Moves all connections to other edges; once it has `started`, no new one is admitted."""

    def __init__(self, hub: Hub, acks: AckWriter, limit_seconds: float) -> None:
        self._hub = hub
        self._acks = acks
        self._limit_seconds = limit_seconds
        self.started = False

    async def run(self) -> None:
        """Ask all connections to move, wait until they have left, and append their acks.

        Waits at most `LEAVE_TIMEOUT_SECONDS` longer than the time over which moves are spread.
        """
        self.started = True
        subscribers = [each for stream in self._hub.streams() for each in stream.subscribers]
        random.shuffle(subscribers)
        spread = min(self._limit_seconds, len(subscribers) / RECONNECTS_PER_SECOND)
        for index, subscriber in enumerate(subscribers):
            subscriber.ask_to_move(spread * index / len(subscribers))
        with suppress(TimeoutError):
            async with asyncio.timeout(spread + LEAVE_TIMEOUT_SECONDS):
                await self._hub.wait_until_empty()
        await self._acks.flush_before_exit()
