"""A notifier process inside a test: it leads several partitions that only the test uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from tidings.notifier.partition.leader import PartitionLeader
from tidings.notifier.partition.routing_loop import RoutingLoop
from tidings.runtime.errors import Transient
from tidings.runtime.log.takeover import Takeovers
from tidings.runtime.metrics.follower_lag import FollowPosition
from tidings.runtime.process import run_forever

from tests.services.notifier.facts import TEXTS
from tests.services.notifier.memory import AudienceMemory
from tests.services.notifier.partition import OwnPartition

APPENDS_LIMIT_MESSAGES = 16


class NotifierProcess:
    """The routing loop and the leaders of a process, with the memory that they share."""

    def __init__(
        self, partitions: Sequence[OwnPartition], memory: AudienceMemory | None = None
    ) -> None:
        runtime = partitions[0].runtime
        self.memory = memory or AudienceMemory(runtime)
        self.loop = RoutingLoop(
            runtime.jetstream,
            partitions[0].epoch,
            [partition.number for partition in partitions],
            self.memory.write_behind,
            FollowPosition(),
            APPENDS_LIMIT_MESSAGES,
        )
        takeovers = Takeovers(runtime.jetstream, runtime.appender())
        self.leaders = [
            PartitionLeader(
                runtime,
                partition.number,
                TEXTS,
                self.memory.write_behind,
                self.memory.known_events,
                self.loop,
                takeovers,
            )
            for partition in partitions
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[NotifierProcess]:
        """Run inside the block, and die at its end."""
        attempts = [
            self.loop.run,
            self.memory.known_events.fill_when_needed,
            *(leader.run for leader in self.leaders),
        ]
        tasks = [asyncio.create_task(run_forever("test", attempt)) for attempt in attempts]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError, Transient):
                    await task
