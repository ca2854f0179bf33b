"""Members of the routing loop: a partition that is routed together with others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from tidings.notifier.audience.audience import Audience
from tidings.notifier.audience.write_behind import UnsavedEvents
from tidings.notifier.partition.position_saver import PositionSaver
from tidings.notifier.partition.router import PendingWrite, Router
from tidings.runtime.errors import TidingsError
from tidings.runtime.log.fenced_writer import Output, Share
from tidings.runtime.log.follow import StreamMessage


class Member:
    """A partition in the loop; `reached` is the sequence up to which its router has the events."""

    def __init__(self, number: int, router: Router, saver: PositionSaver, reached: int) -> None:
        self.number = number
        self.router = router
        self.saver = saver
        self.reached = reached
        self.batch: Sequence[StreamMessage] = ()
        self.is_writing = False
        """Whether outputs of it are being written; what comes next waits for them."""
        self.applying: asyncio.Task[Audience] | None = None
        self.ended: asyncio.Future[Callable[[], Awaitable[None]]] = (
            asyncio.get_running_loop().create_future()
        )
        """The work that is left when the partition leaves the loop, or what it met."""

    def leave(self, work: Callable[[], Awaitable[None]]) -> None:
        """Leave the loop with work that would delay the others."""
        if not self.ended.done():
            self.ended.set_result(work)

    def fail(self, problem: BaseException) -> None:
        """Leave the loop with an error; any but a TidingsError is raised."""
        if not isinstance(problem, TidingsError):
            raise problem
        if not self.ended.done():
            self.ended.set_exception(type(problem)(*problem.args))


class MemberWrite(NamedTuple):
    """What a member writes in a round; its router waits for `written`."""

    member: Member
    pending: PendingWrite
    outputs: list[Output]
    written: asyncio.Future[None]

    def unrecorded(self) -> UnsavedEvents | None:
        """Return the applied events that must be recorded before the outputs are appended."""
        router = self.member.router
        return router.audience_model.unsaved_past(router.writer.newest_saved.sequence)

    async def prepare(self) -> None:
        """Do what comes before the outputs; raises Unavailable or Fenced."""
        self.member.router.audience_model.raise_problem()
        await self.member.router.append_dead_letters(self.pending)

    def share(self) -> Share:
        """Return the outputs and the position that they reach."""
        return Share(self.member.router.writer, self.outputs, self.pending.reached)

    def record(self) -> None:
        """Tell the router that all is written."""
        self.member.router.record_written(self.pending)
        if not self.written.done():
            self.member.is_writing = False
            self.written.set_result(None)

    def end(self, problem: BaseException) -> None:
        """Tell the router what writing met, unless it has ended: then another one may go on."""
        if not self.written.done():
            self.member.is_writing = False
            self.written.set_exception(problem)
            # The router may not wait for it.
            self.written.exception()
