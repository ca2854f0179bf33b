"""The routing loop: routes the partitions of a process together, in rounds that may overlap."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from itertools import chain, islice

from tidings.client.jetstream import JetStream
from tidings.contracts.subjects import EVENTS, partition_events_subject
from tidings.notifier.audience.audience import Audience
from tidings.notifier.audience.write_behind import WriteBehind
from tidings.notifier.partition.event_feed import EventFeed
from tidings.notifier.partition.loop_member import Member, MemberWrite
from tidings.notifier.partition.position_saver import SAVE_IDLE_SECONDS, PositionSaver
from tidings.notifier.partition.round_writer import RoundWriter
from tidings.notifier.partition.router import PreparedBatch, Router
from tidings.runtime.errors import TidingsError
from tidings.runtime.log.follow import StreamMessage, follow
from tidings.runtime.log.state import stream_state
from tidings.runtime.metrics.follower_lag import FollowPosition

BATCH_EVENTS = 500
OUTPUTS_LIMIT = 500
"""A partition whose events make more outputs in one round writes them by itself."""
SLOW_QUERY_SECONDS = 0.02
"""A partition that waits longer for Postgres does so by itself."""
START_BACK_EVENTS = 2000
"""A loop begins so far before the end of `EVENTS`; partitions behind that catch up alone."""

log = logging.getLogger("tidings.notifier")


class RoutingLoop:
    """Follows `EVENTS` once for several partitions, and routes what comes in rounds.

    A partition joins when its router has come as far as the events that the loop has for it. It
    leaves while it would delay the others, and may come back: its events are kept meanwhile.
    """

    def __init__(
        self,
        jetstream: JetStream,
        epoch: str,
        numbers: Iterable[int],
        write_behind: WriteBehind,
        position: FollowPosition,
        single_appends_limit: int,
    ) -> None:
        self.started = asyncio.Event()
        self._jetstream = jetstream
        self._epoch = epoch
        self._position = position
        self._rounds = RoundWriter(
            write_behind, single_appends_limit, self._fail, self._note_written
        )
        self._feeds = {number: EventFeed() for number in numbers}
        self._members: dict[int, Member] = {}
        self._needed = asyncio.Event()
        self._wake = asyncio.Event()
        self._is_woken = False

    async def run(self) -> None:
        """Route until something fails that no new attempt helps; raises Transient or LogLost."""
        await self._needed.wait()
        end = (await stream_state(self._jetstream, EVENTS)).last_sequence
        start = max(0, end - START_BACK_EVENTS)
        for feed in self._feeds.values():
            feed.start(start)
        self.started.set()
        try:
            await self._follow(start)
        except TidingsError as error:
            for member in list(self._members.values()):
                self._fail(member, error)
            raise
        finally:
            self.started.clear()
            self._position.clear()
            self._rounds.cancel()

    def lead(self, number: int) -> None:
        """Keep the events of a partition from now on: this process leads it."""
        self._feeds[number].is_led = True
        self._needed.set()

    def release(self, number: int) -> None:
        """Keep the events of a partition no longer."""
        self._feeds[number].end()

    def kept_events(self, number: int) -> Sequence[StreamMessage]:
        """Return the events of a partition that wait to be routed, as they are at any time."""
        return self._feeds[number].kept

    def can_take(self, number: int, reached: int) -> bool:
        """Return whether a router that has come so far can go on in the loop."""
        return self.started.is_set() and reached >= self._feeds[number].passed

    async def route(
        self,
        number: int,
        router: Router,
        saver: PositionSaver,
        reached: int,
        position: FollowPosition,
    ) -> int:
        """Route a partition in the loop until it has to leave, and then do the work that is left.

        Return the sequence that it has reached; at once if the loop cannot take it. Raises
        Unavailable or Fenced.
        """
        if not self.can_take(number, reached):
            return reached
        self._feeds[number].drop_until(reached)
        member = self._members[number] = Member(number, router, saver, reached)
        self._wake_follow()
        try:
            work = await member.ended
            log.debug("partition %d: leaving the loop after event %d", number, member.reached)
            position.in_flight = member.batch
            await work()
            position.release()
        finally:
            self._remove(member)
            await _cancel(member.applying)
        return member.reached

    async def _follow(self, after: int) -> None:
        batches = follow(
            self._jetstream,
            EVENTS,
            [partition_events_subject(number) for number in self._feeds],
            after=after,
            epoch=self._epoch,
            limit=BATCH_EVENTS,
            idle_seconds=SAVE_IDLE_SECONDS,
            position=self._position,
            wake=self._wake,
        )
        async with aclosing(batches):
            async for batch in batches:
                is_idle = not batch and not self._is_woken
                self._is_woken = False
                self._receive(batch)
                await self._route_rounds()
                self._position.in_flight = batch if self._rounds.are_writing else ()
                await self._save_positions(is_idle=is_idle)
                # Meanwhile a partition with kept events may have joined, or have been written.
                await self._route_rounds()

    def _receive(self, batch: Iterable[StreamMessage]) -> None:
        for message in batch:
            number = int(message.subject.split(".", 2)[1])
            self._feeds[number].add(message, is_bounded=number not in self._members)

    async def _route_rounds(self) -> None:
        while await self._route_round():
            pass

    async def _route_round(self) -> bool:
        """Route the next events of each member; return False if there are none.

        While little is being written, only members of which nothing is: no event waits for those of
        other partitions. While much is, all members: their next outputs gather meanwhile.
        """
        self._rounds.forget_written()
        is_busy = self._rounds.are_busy
        parts = [
            (member, member.router.prepare_batch(batch))
            for number, member in self._members.items()
            if (is_busy or not member.is_writing) and (batch := self._take(number, member))
        ]
        if not parts:
            return False
        applied = await self._apply(parts)
        if is_busy:
            await self._rounds.settle()
        writes = [
            write
            for member, prepared, audience in applied
            if self._members.get(member.number) is member
            and (write := self._begin_write(member, prepared, audience))
        ]
        await self._rounds.begin(writes)
        return True

    def _take(self, number: int, member: Member) -> list[StreamMessage]:
        batch = self._feeds[number].take(BATCH_EVENTS)
        if batch:
            member.batch, member.reached = batch, batch[-1].sequence
        return batch

    async def _apply(
        self, parts: Iterable[tuple[Member, PreparedBatch]]
    ) -> list[tuple[Member, PreparedBatch, Audience]]:
        """Apply batches to the audience; members that wait for Postgres for long leave."""
        applied: list[tuple[Member, PreparedBatch, Audience]] = []
        waiting: list[tuple[Member, PreparedBatch, asyncio.Task[Audience]]] = []
        for member, prepared in parts:
            try:
                answer = member.router.audience_model.apply_at_once(
                    prepared.events, prepared.until, prepared.query
                )
            except TidingsError as error:
                self._fail(member, error)
                continue
            if isinstance(answer, Audience):
                applied.append((member, prepared, answer))
            else:
                member.applying = asyncio.create_task(answer)
                waiting.append((member, prepared, member.applying))
        if waiting:
            await asyncio.wait([task for *_, task in waiting], timeout=SLOW_QUERY_SECONDS)
            applied += self._applied(waiting)
        return applied

    def _applied(
        self, waiting: Iterable[tuple[Member, PreparedBatch, asyncio.Task[Audience]]]
    ) -> Iterable[tuple[Member, PreparedBatch, Audience]]:
        for member, prepared, task in waiting:
            if not task.done():
                self._leave(member, partial(_finish, member.router, prepared, task))
                continue
            member.applying = None
            if task.cancelled():
                continue
            if problem := task.exception():
                self._fail(member, problem)
            else:
                yield member, prepared, task.result()

    def _begin_write(
        self, member: Member, prepared: PreparedBatch, audience: Audience
    ) -> MemberWrite | None:
        """Return what a member writes in this round; None if it is so much that it leaves."""
        router = member.router
        pending = router.pending_write(prepared, audience)
        outputs = list(islice(pending.outputs, OUTPUTS_LIMIT + 1))
        if len(outputs) > OUTPUTS_LIMIT:
            router.start_writing(pending._replace(outputs=chain(outputs, pending.outputs)))
            self._leave(member, router.flush)
            return None
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        router.await_writing(written)
        member.is_writing = True
        return MemberWrite(member, pending, outputs, written)

    def _note_written(self, members: Iterable[Member]) -> None:
        """Go on with the events of members that came while their outputs were written."""
        if not self._rounds.are_writing:
            self._position.release()
        if any(self._feeds[member.number].kept for member in members):
            self._wake_follow()

    def _wake_follow(self) -> None:
        """Route the events that are kept, although nothing new came."""
        self._is_woken = True
        self._wake.set()

    async def _save_positions(self, *, is_idle: bool) -> None:
        members = [each for each in self._members.values() if is_idle or each.saver.is_due()]
        problems = await asyncio.gather(
            *(each.saver.save_if_due(is_idle=is_idle) for each in members), return_exceptions=True
        )
        for member, problem in zip(members, problems, strict=True):
            if problem:
                self._fail(member, problem)

    def _leave(self, member: Member, work: Callable[[], Awaitable[None]]) -> None:
        self._remove(member)
        member.leave(work)

    def _fail(self, member: Member, problem: BaseException) -> None:
        self._remove(member)
        member.fail(problem)

    def _remove(self, member: Member) -> None:
        if self._members.get(member.number) is member:
            del self._members[member.number]


async def _finish(
    router: Router, prepared: PreparedBatch, applying: asyncio.Task[Audience]
) -> None:
    """Write a batch once it is applied."""
    await router.begin_write(prepared, await applying)
    await router.flush()


async def _cancel(task: asyncio.Task[Audience] | None) -> None:
    if task:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
