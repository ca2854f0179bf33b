"""A partition of people: one process plans, decides and sends for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from tidings.channels.decider.clock import Clock
from tidings.channels.decider.failures import Failures
from tidings.channels.decider.lane import Lane, Sender
from tidings.channels.decider.leadership import Leadership
from tidings.channels.decider.log_time import log_time
from tidings.channels.decider.news import PartitionNews
from tidings.channels.decider.partition_log import PartitionLog
from tidings.channels.decider.planner import Planner
from tidings.channels.decider.reading import Reading
from tidings.contracts.channels import Channel
from tidings.contracts.deliveries import Outcome
from tidings.contracts.subjects import NOTIFICATIONS, partition_inboxes_subject
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.position import HandledPartition, Position
from tidings.runtime.log.takeover import Takeovers
from tidings.runtime.process import Runtime

SERVICE = "channels"
HEADER = "Tidings-Channels-Position"
INTERRUPTED = "interrupted"


class ChannelLane(NamedTuple):
    """How one channel is sent on, and how many attempts may be under way in a partition."""

    sender: Sender
    attempts_limit: int


class PartitionLeader:
    """Leads one partition of people, or stands by while another process does."""

    def __init__(
        self,
        runtime: Runtime,
        number: int,
        lanes: Mapping[Channel, ChannelLane],
        takeovers: Takeovers,
        *,
        resends: bool = True,
    ) -> None:
        """`resends`: what may have left when a process ended is sent again."""
        self.number = number
        self.news = PartitionNews()
        self._runtime = runtime
        self._lanes = lanes
        self._resends = resends
        self._reading = Reading(runtime)
        self._planner = Planner(self._reading, runtime.settings.subjects, lanes)
        partition = HandledPartition(
            service=SERVICE,
            number=number,
            stream=NOTIFICATIONS,
            subject=partition_inboxes_subject(number),
            epoch=runtime.epochs[NOTIFICATIONS],
            header=HEADER,
        )
        self._leadership = Leadership(runtime, partition, takeovers, self._is_overdue)
        self.ready = self._leadership.ready

    async def run(self) -> None:
        """Lead or stand by until something fails; raises Transient if a new attempt may help."""
        await self._leadership.run(self._lead)

    async def _lead(self, entries: PartitionLog, position: Position) -> None:
        await self._settle_interrupted(entries)
        clock = Clock(self._runtime.jetstream, self._reading, entries, self.news)

        async def plan(batch: list[StreamMessage], _: Position, at: datetime) -> None:
            outputs = await self._planner.plan(batch, at)
            await entries.append_planned(outputs, Position(batch[-1].sequence))

        async with asyncio.TaskGroup() as group:
            group.create_task(self._leadership.follow(entries, position, plan))
            group.create_task(clock.run())
            for channel in self._lanes:
                group.create_task(self._lane(channel, entries).run())

    def _lane(self, channel: Channel, entries: PartitionLog) -> Lane:
        runtime, (sender, limit) = self._runtime, self._lanes[channel]
        failures = Failures(runtime.appender(), runtime.own_ids, runtime.settings.subjects)
        return Lane(
            channel,
            sender,
            limit,
            runtime.jetstream,
            self._reading,
            entries,
            self.news,
            failures,
        )

    async def _settle_interrupted(self, entries: PartitionLog) -> None:
        """State that what was being sent when the process before ended may have left or not."""
        await self._reading.wait_for_deliveries(entries.newest)
        interrupted = await self._reading.interrupted(self.number)
        at = await log_time(self._runtime.jetstream)
        await entries.append(
            [
                (
                    delivery.person,
                    Outcome(
                        delivery=delivery.id,
                        attempt=delivery.attempt,
                        state="doubtful",
                        code=INTERRUPTED,
                        until=at if self._resends else None,
                    ),
                )
                for delivery in interrupted
            ]
        )

    async def _is_overdue(self) -> bool:
        moment = await log_time(self._runtime.jetstream)
        return await self._reading.is_overdue(self.number, moment)
