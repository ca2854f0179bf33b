"""The follow loop: read the log of notifications into the ring, and hand each batch to the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

from tidings.client.jetstream import JetStream
from tidings.contracts.subjects import NOTIFICATIONS, followed_subjects
from tidings.edge.delivery.hub import Hub
from tidings.edge.delivery.log_reader import LogReader
from tidings.runtime.log.follow import follow
from tidings.runtime.log.read import last_message
from tidings.runtime.metrics.follower_lag import FollowPosition

BATCH_LIMIT_MESSAGES = 500


class FollowLoop:
    """Follows the log from the ring's floor on.

    `caught_up` is set once the ring holds all that the log held when the loop began.
    """

    def __init__(
        self,
        jetstream: JetStream,
        log: LogReader,
        hub: Hub,
        served: Sequence[int] | None,
        position: FollowPosition,
    ) -> None:
        self._jetstream = jetstream
        self._log = log
        self._hub = hub
        self._position = position
        self._subjects = followed_subjects(served)
        self.caught_up = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled; raises LogLost when the stream was created anew."""
        ring, target = self._log.ring, await self._last_sequence()
        batches = follow(
            self._jetstream,
            NOTIFICATIONS,
            self._subjects,
            after=ring.floor,
            epoch=self._log.epoch,
            limit=BATCH_LIMIT_MESSAGES,
            position=self._position,
        )
        async with aclosing(batches):
            while True:
                if ring.head >= target:
                    self.caught_up.set()
                for message in (batch := await anext(batches)):
                    ring.append_message(message)
                self._hub.deliver(batch)
                ring.reach(self._position.reached)

    async def _last_sequence(self) -> int:
        """Return the sequence of the newest message that is followed, 0 without one."""
        newest = [
            await last_message(self._jetstream, NOTIFICATIONS, subject)
            for subject in self._subjects
        ]
        return max((message.sequence for message in newest if message), default=0)
