"""The round writer: writes the outputs of rounds, side by side while they are few."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from tidings.notifier.audience.write_behind import WriteBehind
from tidings.notifier.partition.loop_member import Member, MemberWrite
from tidings.runtime.errors import TidingsError, Unavailable
from tidings.runtime.log.fenced_writer import SINGLE_APPENDS_LIMIT_MESSAGES, write_together


class RoundWriter:
    """Writes rounds side by side up to a number of outputs; more go as one round after the others.

    Rounds that are written at the same time have no member in common.
    """

    def __init__(
        self,
        write_behind: WriteBehind,
        single_appends_limit: int,
        on_failure: Callable[[Member, BaseException], None],
        on_written: Callable[[Iterable[Member]], None],
    ) -> None:
        """`on_failure` is told of a member that could not be written, `on_written` of those that
        are written or were not; of none when a round has ended.
        """
        self._write_behind = write_behind
        self._appends_limit = single_appends_limit
        self._on_failure = on_failure
        self._on_written = on_written
        self._writing: dict[asyncio.Task[None], int] = {}

    @property
    def are_writing(self) -> bool:
        """Whether a round is being written."""
        return any(not task.done() for task in self._writing)

    @property
    def are_busy(self) -> bool:
        """Whether so much is being written that the next round gathers more meanwhile."""
        return self._outputs > self._appends_limit

    async def begin(self, writes: Sequence[MemberWrite]) -> None:
        """Begin to write a round, after the others if it is much."""
        counts = [len(write.outputs) for write in writes]
        if self._outputs + sum(counts) > self._appends_limit:
            await self.settle()
        is_small = sum(counts) <= self._appends_limit and (
            max(counts, default=0) <= SINGLE_APPENDS_LIMIT_MESSAGES
        )
        parts = [[write] for write in writes] if is_small else [writes]
        task = asyncio.create_task(self._write(writes, parts))
        task.add_done_callback(lambda _: self._on_written(()))
        self._writing[task] = sum(counts)

    async def settle(self) -> None:
        """Wait until all rounds before are written."""
        if self._writing:
            await asyncio.wait(self._writing)
            self.forget_written()

    def forget_written(self) -> None:
        """Forget the rounds that are written; raises what one met that is no TidingsError."""
        for task in [task for task in self._writing if task.done()]:
            del self._writing[task]
            task.result()

    def cancel(self) -> None:
        """Stop writing; the next takeover finds how far it came."""
        for task in self._writing:
            task.cancel()

    @property
    def _outputs(self) -> int:
        return sum(self._writing.values())

    async def _write(
        self, writes: Sequence[MemberWrite], parts: Iterable[Sequence[MemberWrite]]
    ) -> None:
        """Write a round: the outputs of each member, once its audience is recorded.

        No part waits for another one. `Router` says why the checkpoint of the audience goes first.
        """
        try:
            if unsaved := list(filter(None, (each.unrecorded() for each in writes))):
                await self._write_behind.flush_together(unsaved)
            await asyncio.gather(*map(self._write_part, parts))
        finally:
            self._end(writes)

    async def _write_part(self, writes: Sequence[MemberWrite]) -> None:
        try:
            ready = [each for each in writes if await self._prepare(each)]
            problems = await write_together([each.share() for each in ready], self._appends_limit)
            for each, problem in zip(ready, problems, strict=True):
                if problem:
                    self._fail(each, problem)
                else:
                    each.record()
        finally:
            self._end(writes)

    def _end(self, writes: Sequence[MemberWrite]) -> None:
        for each in writes:
            each.end(Unavailable("the round was interrupted"))
        self._on_written(each.member for each in writes)

    async def _prepare(self, write: MemberWrite) -> bool:
        """Do what comes before the outputs; return False if the member failed at it."""
        try:
            await write.prepare()
        except TidingsError as problem:
            self._fail(write, problem)
            return False
        return True

    def _fail(self, write: MemberWrite, problem: BaseException) -> None:
        write.end(problem)
        self._on_failure(write.member, problem)
