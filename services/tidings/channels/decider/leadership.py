"""Leadership: of what one process plans for at a time, while others stand by."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime

import msgspec
from tidings.channels.decider.log_time import log_time
from tidings.channels.decider.partition_log import PartitionLog
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import NOTIFICATIONS, partition_deliveries_subject
from tidings.runtime.errors import Fenced
from tidings.runtime.log.fenced_writer import FencedWriter
from tidings.runtime.log.follow import StreamMessage, follow
from tidings.runtime.log.position import HandledPartition, Position
from tidings.runtime.log.read import last_message
from tidings.runtime.log.state import stream_state
from tidings.runtime.log.takeover import Takeovers
from tidings.runtime.process import Runtime

BATCH_MESSAGES = 500
SAVE_IDLE_SECONDS = 0.5
SAVE_BUSY_SECONDS = 2.0
SAVE_AGAIN_SECONDS = 300.0
"""A quiet partition saves its position again: a takeover reads the log only back to there."""
SAVE_IN_HAND_SECONDS = 3.0
"""So does one whose orders take long: those who stand by see that it lives."""
STANDBY_SECONDS = 10.0
STANDBY_POLL_SECONDS = 1.0

Plan = Callable[[list[StreamMessage], Position, datetime], Awaitable[None]]
"""Plans a batch, of whose first message part may be planned already, at a moment."""
log = logging.getLogger("tidings.channels")


async def nothing_waits() -> bool:
    """Return that no other work than planning waits."""
    return False


class Leadership:
    """Takes a partition over, follows it and saves how far it is planned; or stands by."""

    def __init__(
        self,
        runtime: Runtime,
        partition: HandledPartition,
        takeovers: Takeovers,
        is_work_waiting: Callable[[], Awaitable[bool]] = nothing_waits,
    ) -> None:
        """`takeovers` are shared by the partitions of a process."""
        self.ready = asyncio.Event()
        self._runtime = runtime
        self._partition = partition
        self._takeovers = takeovers
        self._is_work_waiting = is_work_waiting
        self._fenced = False
        self._name = f"{partition.service} {partition.number}"

    async def run(self, lead: Callable[[PartitionLog, Position], Awaitable[None]]) -> None:
        """Take over and `lead` until something fails, standing by first if another one does.

        Raises Transient if a new attempt may help.
        """
        if self._fenced:
            await self._stand_by()
        try:
            self._fenced = False
            entries, position = await self._take_over()
            self.ready.set()
            await lead(entries, position)
        except* Fenced:
            self._fenced = True
            raise

    async def follow(
        self,
        entries: PartitionLog,
        position: Position,
        plan: Plan,
        has_orders: Callable[[], bool] = lambda: False,
    ) -> None:
        """Plan what follows a position, and save how far that is; raises Fenced or Unavailable.

        `has_orders`: whether the lanes have orders that they have not settled.
        """
        runtime = self._runtime
        now = asyncio.get_running_loop().time
        saved = rewritten = now()
        batches = follow(
            runtime.jetstream,
            NOTIFICATIONS,
            (self._partition.subject,),
            after=position.start_after,
            epoch=self._partition.epoch,
            limit=BATCH_MESSAGES,
            idle_seconds=SAVE_IDLE_SECONDS,
            position=runtime.metrics.followers.position_of(
                self._partition.service, self._partition.number
            ),
        )
        async with aclosing(batches):
            async for batch in batches:
                if batch:
                    await plan(batch, position, await log_time(runtime.jetstream))
                    position = Position(batch[-1].sequence)
                if not batch or now() - saved > SAVE_BUSY_SECONDS:
                    again = now() - rewritten > (
                        SAVE_IN_HAND_SECONDS if has_orders() else SAVE_AGAIN_SECONDS
                    )
                    await entries.save_position(position, again=again)
                    saved = now()
                    rewritten = saved if again else rewritten

    async def _take_over(self) -> tuple[PartitionLog, Position]:
        """Return the log to write to, and where to plan from: at first, the log's end as it is."""
        runtime, appender = self._runtime, self._runtime.appender()
        fence = await self._takeovers.take_over(self._partition)
        writer = FencedWriter(runtime.jetstream, appender, self._partition, fence)
        newest = await last_message(
            runtime.jetstream, NOTIFICATIONS, partition_deliveries_subject(self._partition.number)
        )
        entries = PartitionLog(
            self._partition,
            writer,
            appender,
            runtime.settings.subjects,
            newest.sequence if newest else 0,
        )
        position = fence.position
        if not position.sequence:
            state = await stream_state(runtime.jetstream, NOTIFICATIONS)
            position = Position(state.last_sequence)
            await entries.save_position(position)
        log.info("%s: planning after entry %d", self._name, position.sequence)
        return entries, position

    async def _stand_by(self) -> None:
        """Wait until the leader leaves work waiting for longer than a living one would."""
        self.ready.set()
        log.info("%s: another process leads it; standing by", self._name)
        now = asyncio.get_running_loop().time
        before, since = await self._saved(), now()
        while now() - since < STANDBY_SECONDS:
            await asyncio.sleep(STANDBY_POLL_SECONDS)
            saved = await self._saved()
            waits = await self._is_planning_waiting(saved) or await self._is_work_waiting()
            if not waits or _sequence(saved) != _sequence(before):
                before, since = saved, now()
        log.info("%s: its leader makes no progress; taking over", self._name)

    async def _saved(self) -> StreamMessage | None:
        return await last_message(
            self._runtime.jetstream, NOTIFICATIONS, self._partition.position_subject
        )

    async def _is_planning_waiting(self, saved: StreamMessage | None) -> bool:
        newest = await last_message(self._runtime.jetstream, NOTIFICATIONS, self._partition.subject)
        at = msgspec.json.decode(saved.data, type=PositionMessage).sequence if saved else 0
        return newest is not None and newest.sequence > at


def _sequence(message: StreamMessage | None) -> int:
    return message.sequence if message else 0
