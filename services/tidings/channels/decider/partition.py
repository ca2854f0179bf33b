"""A partition of people: one process plans, decides and sends for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from tidings.channels.channel_metrics import ChannelMetrics
from tidings.channels.decider.clock import Clock
from tidings.channels.decider.failures import Failures
from tidings.channels.decider.lane import Lane, Sender
from tidings.channels.decider.leadership import Leadership
from tidings.channels.decider.log_time import log_time
from tidings.channels.decider.news import PartitionNews
from tidings.channels.decider.partition_log import PartitionLog
from tidings.channels.decider.planner import Planner
from tidings.channels.decider.reading import Reading
from tidings.channels.endpoints.partition_endpoints import Endpoints, PartitionEndpoints
from tidings.channels.hosts import HostsOfPlaces
from tidings.channels.pace import Pace
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
    """How one channel is sent on, and how many attempts may be under way in a partition.

    `hosts`: those of other people that it sends to, each with bounds of its own. `pace`: how fast
    all partitions of the process send together. `resends`: what may have left or not is sent again.
    """

    sender: Sender
    attempts_limit: int
    hosts: HostsOfPlaces | None = None
    pace: Pace | None = None
    resends: bool = True


class PartitionLeader:
    """Leads one partition of people, or stands by while another process does."""

    def __init__(
        self,
        runtime: Runtime,
        number: int,
        lanes: Mapping[Channel, ChannelLane],
        takeovers: Takeovers,
        *,
        endpoints: Endpoints | None = None,
    ) -> None:
        """`endpoints`: to which the partition's tenants' events are posted, if to any."""
        self._endpoints = endpoints
        self.number = number
        self.news = PartitionNews()
        self._runtime = runtime
        self._lanes = lanes
        self._metrics = runtime.metrics.part(ChannelMetrics)
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
        clock = Clock(
            self._runtime.jetstream,
            self._reading,
            entries,
            self.news,
            self._failures(),
            self._metrics,
        )

        async def plan(batch: list[StreamMessage], _: Position, at: datetime) -> None:
            outputs = await self._planner.plan(batch, at)
            await entries.append_planned(outputs, Position(batch[-1].sequence))

        async with asyncio.TaskGroup() as group:
            group.create_task(clock.run())
            for channel in self._lanes:
                group.create_task(self._lane(channel, entries).run())
            if self._endpoints:
                of_tenants = PartitionEndpoints(self._runtime, self._endpoints, entries)
                group.create_task(of_tenants.run())
            # Before Python 3.12, a task that fails while nothing but the end of the group is
            # awaited leaves this task cancelled for good.
            await self._leadership.follow(entries, position, plan, lambda: self.news.in_hand > 0)

    def _lane(self, channel: Channel, entries: PartitionLog) -> Lane:
        runtime, lane = self._runtime, self._lanes[channel]
        return Lane(
            channel,
            lane.sender,
            lane.attempts_limit,
            runtime.jetstream,
            self._reading,
            entries,
            self.news,
            self._failures(),
            self._metrics,
            lane.hosts,
            pace=lane.pace,
            resends=lane.resends,
        )

    async def _settle_interrupted(self, entries: PartitionLog) -> None:
        """State that what was being sent when the process before ended may have left or not."""
        await self._reading.wait_for_deliveries(entries.newest)
        interrupted = await self._reading.interrupted(self.number)
        at = await log_time(self._runtime.jetstream)
        outcomes = [
            Outcome(
                delivery=delivery.id,
                attempt=delivery.attempt,
                state="doubtful",
                code=INTERRUPTED,
                until=at if self._resends(delivery.channel) else None,
            )
            for delivery in interrupted
        ]
        people = [delivery.person for delivery in interrupted]
        await entries.append([*zip(people, outcomes, strict=True)])
        for delivery, outcome in zip(interrupted, outcomes, strict=True):
            self._metrics.record_outcome(delivery.channel, outcome)

    def _failures(self) -> Failures:
        runtime = self._runtime
        return Failures(runtime.appender(), runtime.own_ids, runtime.settings.subjects)

    def _resends(self, channel: Channel) -> bool:
        lane = self._lanes.get(channel)
        return lane is None or lane.resends

    async def _is_overdue(self) -> bool:
        moment = await log_time(self._runtime.jetstream)
        return await self._reading.is_overdue(self.number, moment)
