"""The channels: mails and all else that reaches people beyond the page, from their logs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tidings.channels.channel_metrics import ChannelMetrics
from tidings.channels.decider import topics
from tidings.channels.decider.news import NewsFollower
from tidings.channels.decider.partition import ChannelLane, PartitionLeader
from tidings.channels.decider.topics import TopicLeader
from tidings.channels.web_lanes import endpoints_of
from tidings.contracts.channels import Channel
from tidings.runtime.log.takeover import Takeovers
from tidings.runtime.process import Runtime, run_forever


async def run_channels(
    runtime: Runtime,
    lanes: Mapping[Channel, ChannelLane],
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Plan, decide and send for the partitions of the settings; without lanes, do nothing.

    Calls `ready` when each partition is led or stood by for.
    """
    if not lanes:
        ready()
        await asyncio.Event().wait()
    partitions = runtime.settings.channels_partition_numbers
    metrics = runtime.metrics.part(ChannelMetrics)
    runtime.metrics.add_refresh(lambda: metrics.read_waiting(runtime.postgres, partitions))
    takeovers = Takeovers(runtime.jetstream, runtime.appender())
    endpoints = endpoints_of(runtime, lanes)
    leaders = {
        number: PartitionLeader(runtime, number, lanes, takeovers, endpoints=endpoints)
        for number in partitions
    }
    news = {number: leader.news for number, leader in leaders.items()}
    follower = NewsFollower(runtime, news.get)
    async with asyncio.TaskGroup() as group:
        group.create_task(run_forever("deliveries", follower.run))
        await follower.began.wait()
        if endpoints:
            group.create_task(run_forever("endpoints", endpoints.directory.run))
        for leader in leaders.values():
            group.create_task(run_forever(f"people {leader.number}", leader.run))
        if topics.PARTITION in leaders:
            of_topics = TopicLeader(runtime, lanes, takeovers)
            group.create_task(run_forever("topics", of_topics.run))
            await of_topics.ready.wait()
        for leader in leaders.values():
            await leader.ready.wait()
        ready()
