"""Lead one partition of `EVENTS`: take it over and route its events, or stand by."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import NamedTuple

import msgspec
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import (
    EVENTS,
    NOTIFICATIONS,
    partition_events_subject,
    position_subject,
)
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.audience.known_events import KnownEvents
from tidings.notifier.audience.topics import read_topics
from tidings.notifier.audience.write_behind import WriteBehind
from tidings.notifier.notifier_metrics import NotifierMetrics
from tidings.notifier.partition.position import SERVICE, events_partition
from tidings.notifier.partition.position_saver import SAVE_IDLE_SECONDS, PositionSaver
from tidings.notifier.partition.router import Router
from tidings.notifier.partition.routing_loop import RoutingLoop
from tidings.notifier.rendering.texts import Texts
from tidings.projections.audience.projection import AUDIENCE
from tidings.runtime.errors import Fenced, Unavailable
from tidings.runtime.log.fenced_writer import FencedWriter
from tidings.runtime.log.follow import follow
from tidings.runtime.log.read import last_message
from tidings.runtime.log.takeover import Takeovers
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import live_model

BATCH_EVENTS = 500
STANDBY_SECONDS = 10.0
"""A leader that routes saves its position more often than that, even if its servers are slow."""
STANDBY_POLL_SECONDS = 1.0

log = logging.getLogger("tidings.notifier")


class Progress(NamedTuple):
    """The sequence of a leader's newest position message, and whether events wait for it."""

    saved: int
    waiting: bool


class PartitionLeader:
    """Leads one partition of `EVENTS`, or stands by while another process does."""

    def __init__(
        self,
        runtime: Runtime,
        number: int,
        texts: Texts,
        write_behind: WriteBehind | None = None,
        known_events: KnownEvents | None = None,
        loop: RoutingLoop | None = None,
        takeovers: Takeovers | None = None,
    ) -> None:
        """What is optional is shared by the partitions of a process; without a loop, the partition
        is routed by itself.
        """
        self._loop = loop
        self._takeovers = takeovers or Takeovers(runtime.jetstream, runtime.appender())
        self._runtime = runtime
        self._write_behind = write_behind
        self._known_events = known_events
        self._texts = texts
        self.number = number
        self.ready = asyncio.Event()
        self._epoch = runtime.epochs[EVENTS]
        self._fenced = False
        self._metrics = runtime.metrics.part(NotifierMetrics)
        self._follow_position = runtime.metrics.followers.position_of("notifier", number)

    async def run(self) -> None:
        """Take over and route until something fails; raises Transient if a new attempt may help."""
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
        model = await live_model(runtime.postgres, AUDIENCE)
        checkpoint = await model.checkpoint(runtime.postgres, self._epoch, self.number)
        own = events_partition(self.number, self._epoch)
        # An event is applied to the audience before it is routed.
        fence = await self._takeovers.take_over(own, known=checkpoint.sequence)
        writer = FencedWriter(runtime.jetstream, appender, own, fence)
        topics = await read_topics(
            runtime.jetstream,
            self.number,
            runtime.settings.topic_threshold_members,
            at_least=fence.sequence,
        )
        audience_model = AudienceModel(
            runtime.postgres,
            model,
            self.number,
            checkpoint.sequence,
            self._write_behind,
            self._known_events,
        )
        log.info("partition %d: routing after event %d", self.number, fence.position.start_after)
        self.ready.set()
        router = Router(
            self.number,
            runtime.settings.subjects,
            self._texts,
            audience_model,
            topics,
            writer,
            appender,
            fence.position,
            runtime.settings.tenants_including_actor,
            self._metrics,
        )
        self._metrics.partitions.inc()
        try:
            await self._route(router, min(fence.position.start_after, checkpoint.sequence))
        except Fenced as fenced:
            if await writer.is_leader():
                raise Unavailable(f"{fenced}, but it no longer routes; taking over again") from None
            raise
        finally:
            self._metrics.partitions.dec()
            await router.stop()

    async def _route(self, router: Router, reached: int) -> None:
        """Route the events after a sequence: in the loop, and by itself while that cannot be."""
        saver, loop, position = PositionSaver(router), self._loop, self._follow_position
        if loop is None:
            await self._follow(router, saver, reached)
            return
        loop.lead(self.number)
        try:
            while True:
                await loop.started.wait()
                if loop.can_take(self.number, reached):
                    position.clear()
                    position.received = loop.kept_events(self.number)
                    reached = await loop.route(self.number, router, saver, reached, position)
                else:
                    reached = await self._follow(router, saver, reached)
        finally:
            loop.release(self.number)

    async def _follow(self, router: Router, saver: PositionSaver, reached: int) -> int:
        """Route by itself until the loop can go on; return the sequence that is reached then."""
        batches = follow(
            self._runtime.jetstream,
            EVENTS,
            (partition_events_subject(self.number),),
            after=reached,
            epoch=self._epoch,
            limit=BATCH_EVENTS,
            idle_seconds=SAVE_IDLE_SECONDS,
            position=self._follow_position,
        )
        async with aclosing(batches):
            async for batch in batches:
                if batch:
                    await router.route_batch(batch, self._follow_position.release)
                    self._follow_position.in_flight = batch
                    reached = batch[-1].sequence
                if self._loop_can_take(reached):
                    await router.flush()
                    if self._loop_can_take(reached):
                        break
                await saver.save_if_due(is_idle=not batch)
        return reached

    def _loop_can_take(self, reached: int) -> bool:
        return self._loop is not None and self._loop.can_take(self.number, reached)

    async def _stand_by(self) -> None:
        """Wait until the leader leaves events waiting for longer than a living one would."""
        self.ready.set()
        self._follow_position.clear()
        log.info("partition %d: another notifier routes it; standing by", self.number)
        now = asyncio.get_running_loop().time
        before, since = await self._progress(), now()
        while now() - since < STANDBY_SECONDS:
            await asyncio.sleep(STANDBY_POLL_SECONDS)
            progress = await self._progress()
            if not progress.waiting or progress.saved != before.saved:
                before, since = progress, now()
        log.info("partition %d: its notifier makes no progress; taking over", self.number)

    async def _progress(self) -> Progress:
        saved = await last_message(
            self._runtime.jetstream, NOTIFICATIONS, position_subject(SERVICE, self.number)
        )
        newest = await last_message(
            self._runtime.jetstream, EVENTS, partition_events_subject(self.number)
        )
        at = msgspec.json.decode(saved.data, type=PositionMessage).sequence if saved else 0
        return Progress(saved.sequence if saved else 0, newest is not None and newest.sequence > at)
