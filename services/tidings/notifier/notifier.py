"""The notifier: routes the partitions of `EVENTS` that the settings give it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tidings.client.appender import plain_limit_messages
from tidings.contracts.subjects import EVENTS
from tidings.domains import RULES
from tidings.notifier import read_receipts
from tidings.notifier.audience.known_events import KnownEvents
from tidings.notifier.audience.write_behind import WriteBehind
from tidings.notifier.notifier_metrics import NotifierMetrics
from tidings.notifier.partition.leader import PartitionLeader
from tidings.notifier.partition.routing_loop import RoutingLoop
from tidings.notifier.rendering.texts import load_texts
from tidings.notifier.rules_report import required_labels
from tidings.runtime.log.takeover import Takeovers
from tidings.runtime.process import Runtime, run_forever

ALL_PARTITIONS = -1
"""Stands for the partitions that are followed together, among the positions of followers."""


async def run_notifier(runtime: Runtime, ready: Callable[[], None] = lambda: None) -> None:
    """Run the notifier for its partitions; calls `ready` when it leads or stands by in each.

    Raises Permanent if a rule or a button has no template.
    """
    texts = load_texts()
    texts.validate_rules(rule.name for rule in RULES if rule.templates)
    texts.validate_labels(each for rule in RULES for each in required_labels(rule))
    metrics = runtime.metrics.part(NotifierMetrics)
    runtime.metrics.add_refresh(lambda: metrics.read_dead_letters(runtime.jetstream))
    write_behind = WriteBehind(runtime.postgres)
    known_events = KnownEvents(runtime.postgres, write_behind.flush_all)
    loop = make_routing_loop(runtime, write_behind)
    takeovers = Takeovers(runtime.jetstream, runtime.appender())
    partitions = [
        PartitionLeader(runtime, number, texts, write_behind, known_events, loop, takeovers)
        for number in runtime.settings.notifier_partition_numbers
    ]
    async with asyncio.TaskGroup() as group:
        if loop:
            group.create_task(run_forever("routing loop", loop.run))
        group.create_task(run_forever("known events", known_events.fill_when_needed))
        for partition in partitions:
            group.create_task(run_forever(f"partition {partition.number}", partition.run))
        if read_receipts.PARTITION in runtime.settings.notifier_partition_numbers:
            group.create_task(
                run_forever("read receipts", lambda: read_receipts.append_read_events(runtime))
            )
        for partition in partitions:
            await partition.ready.wait()
        ready()


def make_routing_loop(runtime: Runtime, write_behind: WriteBehind) -> RoutingLoop | None:
    """Return a loop for the partitions of this process; None if they are fewer than the others.

    It reads the events of all partitions. With few of its own, each partition follows only these.
    """
    numbers = runtime.settings.notifier_partition_numbers
    if 2 * len(numbers) < runtime.settings.partitions:
        return None
    return RoutingLoop(
        runtime.jetstream,
        runtime.epochs[EVENTS],
        numbers,
        write_behind,
        runtime.metrics.followers.position_of("notifier", ALL_PARTITIONS),
        plain_limit_messages(runtime.settings.replicas),
    )
