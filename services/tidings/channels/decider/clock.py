"""The clock of a partition: decides about each delivery at the moment when it is due."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import datetime

from tidings.channels.channel_metrics import ChannelMetrics
from tidings.channels.decider.delivery import Delivery
from tidings.channels.decider.extra_steps import is_escalation
from tidings.channels.decider.failures import Failures
from tidings.channels.decider.judgement import decided_entry, judge_due
from tidings.channels.decider.log_time import log_time
from tidings.channels.decider.news import PartitionNews
from tidings.channels.decider.partition_log import PartitionLog
from tidings.channels.decider.reading import Reading
from tidings.channels.decider.state import StateOfPeople
from tidings.client.jetstream import JetStream
from tidings.contracts.deliveries import Decided, Outcome

DUE_LIMIT_DELIVERIES = 200
SLEEP_LIMIT_SECONDS = 3600.0
STATED = "stated"


class Clock:
    """Sleeps until a delivery is due, and decides about it on what was acknowledged before."""

    def __init__(
        self,
        jetstream: JetStream,
        reading: Reading,
        log: PartitionLog,
        news: PartitionNews,
        failures: Failures,
        metrics: ChannelMetrics,
    ) -> None:
        self._jetstream = jetstream
        self._reading = reading
        self._log = log
        self._news = news
        self._failures = failures
        self._metrics = metrics

    async def run(self) -> None:
        """Decide until something fails; raises Fenced or Unavailable."""
        while True:
            self._news.due_sooner.clear()
            self._news.awaited = None
            await self._reading.wait_for_deliveries(max(self._news.newest, self._log.newest))
            due = await self._reading.next_due(self._log.number)
            at = await log_time(self._jetstream)
            if due is None or due > at:
                await self._sleep(due, at)
            else:
                await self._decide(at)

    async def _sleep(self, due: datetime | None, at: datetime) -> None:
        """Sleep until a moment, or until a delivery is due before it."""
        self._news.awaited = due
        seconds = (due - at).total_seconds() if due else SLEEP_LIMIT_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, SLEEP_LIMIT_SECONDS)):
                await self._news.due_sooner.wait()

    async def _decide(self, at: datetime) -> None:
        """Decide about what is due at a moment.

        The barrier is asked for after it: a mark that was acknowledged before counts.
        """
        began = time.perf_counter()
        deliveries = await self._reading.due(self._log.number, at, DUE_LIMIT_DELIVERIES)
        barrier = await self._reading.barrier()
        state = await self._reading.state(
            [key for each in deliveries for key in each.keys], barrier
        )
        await self._log.append(
            [(each.person, await self._entry(each, state, at)) for each in deliveries]
        )
        self._metrics.record_decisions(deliveries, at, time.perf_counter() - began)

    async def _entry(
        self, delivery: Delivery, state: StateOfPeople, at: datetime
    ) -> Decided | Outcome:
        """Return what is decided; an escalation is stated before, which is all that it does."""
        judgement = judge_due(delivery, state, at)
        if is_escalation(delivery) and judgement.decision.state == "ordered":
            await self._failures.state_unattended(delivery, judgement.notifications[0])
            return Outcome(delivery=delivery.id, attempt=1, state="sent", code=STATED)
        return decided_entry(delivery, judgement, state, at)
