"""The notifier: takes over partitions of `EVENTS` and routes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import NamedTuple

import msgspec
from tidings.contracts.subjects import EVENTS, NOTIFICATIONS, events_of, position
from tidings.notifier import read_receipts
from tidings.notifier.audience import AudienceFold
from tidings.notifier.position import SERVICE, PositionMessage, take_over
from tidings.notifier.router import Router
from tidings.notifier.rules import RULES
from tidings.notifier.table import labels
from tidings.notifier.texts import texts
from tidings.notifier.topics import topics
from tidings.notifier.writer import Writer
from tidings.projections.audience import AUDIENCE
from tidings.runtime.errors import Fenced, Unavailable
from tidings.runtime.follow import follow
from tidings.runtime.process import Runtime, persist
from tidings.runtime.read import last
from tidings.runtime.readmodel import live

BATCH_EVENTS = 500
PARK_IDLE_SECONDS = 0.5
PARK_BUSY_SECONDS = 2.0
PARK_AGAIN_SECONDS = 300.0
"""A quiet partition writes its position again now and then: a takeover reads the log only back to there."""
STANDBY_SECONDS = 5.0

log = logging.getLogger("tidings.notifier")


async def notify(runtime: Runtime, ready: Callable[[], None] = lambda: None) -> None:
    """Run the notifier for the partitions that the settings give it; it is ready when it leads or stands by in each.

    Raises Permanent if a rule or a button has no template.
    """
    texts().check(rule.name for rule in RULES if not rule.wordless)
    texts().check_labels(each for rule in RULES for each in labels(rule))
    partitions = [Partition(runtime, number) for number in runtime.settings.owned]
    async with asyncio.TaskGroup() as group:
        for partition in partitions:
            group.create_task(persist(f"partition {partition.number}", partition.run))
        if read_receipts.NUMBER in runtime.settings.owned:
            group.create_task(
                persist("read receipts", lambda: read_receipts.state_readings(runtime))
            )
        for partition in partitions:
            await partition.settled.wait()
        ready()


class Progress(NamedTuple):
    """How far a partition's leader has come, and whether events wait for it."""

    parked: int
    waiting: bool


class Partition:
    """One partition of `EVENTS`, routed by whoever took it over last."""

    def __init__(self, runtime: Runtime, number: int) -> None:
        self._runtime = runtime
        self.number = number
        self.settled = asyncio.Event()
        self._epoch = runtime.epochs[EVENTS]
        self._fenced = False

    async def run(self) -> None:
        """Take over and route until something fails; raises Transient when it is worth beginning anew."""
        if self._fenced:
            await self._stand_by()
        try:
            self._fenced = False
            await self._lead()
        except Fenced:
            self._fenced = True
            raise

    async def _lead(self) -> None:
        runtime, appender = self._runtime, self._runtime.appender()
        model = await live(runtime.postgres, AUDIENCE)
        checkpoint = await model.checkpoint(runtime.postgres, self._epoch, self.number)
        fence = await take_over(runtime.jetstream, appender, self.number, self._epoch)
        fold = AudienceFold(runtime.postgres, model, self.number, checkpoint.sequence)
        writer = Writer(runtime.jetstream, appender, self.number, self._epoch, fence)
        known = await topics(runtime.jetstream, self.number, runtime.settings.topic_recipients)
        self.settled.set()
        router = Router(
            self.number, runtime.settings.partitions, fold, known, writer, appender, fence.at
        )
        try:
            await self._follow(router, after=min(fence.at.after, checkpoint.sequence))
        except Fenced as fenced:
            if await writer.leads():
                raise Unavailable(f"{fenced}, but routes no longer; taking over anew") from None
            raise
        finally:
            await router.stop()

    async def _follow(self, router: Router, after: int) -> None:
        jetstream, subjects = self._runtime.jetstream, (events_of(self.number),)
        now = asyncio.get_running_loop().time
        parked = noted = now()
        batches = follow(
            jetstream,
            EVENTS,
            subjects,
            after=after,
            epoch=self._epoch,
            limit=BATCH_EVENTS,
            idle_seconds=PARK_IDLE_SECONDS,
        )
        async with aclosing(batches):
            async for batch in batches:
                if batch:
                    await router.route(batch)
                if not batch or now() - parked > PARK_BUSY_SECONDS:
                    await router.park(again=now() - noted > PARK_AGAIN_SECONDS)
                    parked = now()
                    noted = parked if parked - noted > PARK_AGAIN_SECONDS else noted

    async def _stand_by(self) -> None:
        """Wait until the partition's leader leaves events waiting for longer than a living one ever would."""
        self.settled.set()
        log.info("partition %d: another notifier routes it; standing by", self.number)
        before = await self._progress()
        while True:
            await asyncio.sleep(STANDBY_SECONDS)
            now = await self._progress()
            if before.waiting and now.parked == before.parked:
                return
            before = now

    async def _progress(self) -> Progress:
        parked = await last(self._runtime.jetstream, NOTIFICATIONS, position(SERVICE, self.number))
        newest = await last(self._runtime.jetstream, EVENTS, events_of(self.number))
        at = msgspec.json.decode(parked.data, type=PositionMessage).sequence if parked else 0
        return Progress(
            parked.sequence if parked else 0, newest is not None and newest.sequence > at
        )
