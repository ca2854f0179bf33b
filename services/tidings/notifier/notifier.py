"""The notifier: routes the partitions of `EVENTS` that the settings give it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tidings.domains import RULES
from tidings.notifier import read_receipts
from tidings.notifier.audience.known_events import KnownEvents
from tidings.notifier.audience.write_behind import WriteBehind
from tidings.notifier.notifier_metrics import NotifierMetrics
from tidings.notifier.partition.leader import PartitionLeader
from tidings.notifier.rendering.texts import load_texts
from tidings.notifier.rules_report import required_labels
from tidings.runtime.process import Runtime, run_forever


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
    partitions = [
        PartitionLeader(runtime, number, texts, write_behind, known_events)
        for number in runtime.settings.notifier_partition_numbers
    ]
    async with asyncio.TaskGroup() as group:
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
