"""Queue: events on their way to the log, in order, each tried again until it is there or nobody waits for it."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from contextlib import AsyncExitStack, suppress
from itertools import accumulate, islice
from typing import NamedTuple

from tidings.client.carrier import Carrier, Wrong
from tidings.client.errors import Closed, EventRefused, TidingsError, TooLarge, Unavailable
from tidings.contracts.draft import BATCH_LIMIT_BYTES, BATCH_LIMIT_MESSAGES
from tidings.contracts.http import Appended

PAUSE_SECONDS = 0.1
PAUSE_LIMIT_SECONDS = 5.0
ASKED_PAUSE_LIMIT_SECONDS = 60.0
BATCH_BYTES = BATCH_LIMIT_BYTES - 16 * 1024


class Waiting(NamedTuple):
    """An event, and who waits for it."""

    id: str
    body: bytes
    done: asyncio.Future[Appended]


class Queue:
    """One batch is under way at a time, so that the order holds; what comes meanwhile makes up the next."""

    def __init__(self, carrier: Carrier, patience_seconds: float) -> None:
        self._carrier = carrier
        self._patience_seconds = patience_seconds
        self._waiting: deque[Waiting] = deque()
        self._stirred = asyncio.Event()
        self._idle = asyncio.Event()
        self._stack = AsyncExitStack()
        self._work: asyncio.Task[None] | None = None
        self.trouble = ""

    async def open(self) -> None:
        """Get ready; raises Unavailable, Unauthorised or Permanent if the carrier connects now and cannot."""
        await self._stack.enter_async_context(self._carrier)
        self._idle.set()
        self._work = asyncio.create_task(self._carry_on())

    async def close(self, *, at_once: bool) -> None:
        """Carry what waits, unless that is to end at once; whoever waits still is told Closed."""
        work, self._work = self._work, None
        assert work
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), 0 if at_once else self._patience_seconds)
        work.cancel()
        await asyncio.wait((work,))
        await self._stack.aclose()
        self._fail_all(Closed("the client was closed before"))

    async def put(self, identifier: str, body: bytes) -> Appended:
        """Carry an event and wait until it is stored; raises what is wrong with it, or Closed."""
        if self._work is None:
            raise Closed("events are emitted inside `async with Tidings(…)`")
        waiting = Waiting(identifier, body, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._idle.clear()
        self._stirred.set()
        return await waiting.done

    async def _carry_on(self) -> None:
        failures = 0
        while True:
            await self._stirred.wait()
            while batch := self._first():
                failures = await self._carry(batch, failures)
            self._stirred.clear()
            self._idle.set()

    async def _carry(self, batch: list[Waiting], failures: int) -> int:
        """Carry a batch once; how many times in a row nobody answered."""
        try:
            placed = await self._carrier.carry([each.body for each in batch])
        except Wrong as wrong:
            self._refuse(wrong)
        except Unavailable as problem:
            await self._pause(problem, failures)
            return failures + 1
        except TidingsError as error:
            self._fail_all(error)
        else:
            self._settle(placed)
        return 0

    def _first(self) -> list[Waiting]:
        """The next batch, which goes on waiting until it is settled."""
        self._waiting = deque(each for each in self._waiting if not each.done.done())
        sizes = accumulate(len(each.body) + 1 for each in self._waiting)
        return [
            each
            for each, size in zip(islice(self._waiting, BATCH_LIMIT_MESSAGES), sizes, strict=False)
            if size <= BATCH_BYTES
        ]

    def _settle(self, placed: list[Appended]) -> None:
        for appended in placed:
            done = self._waiting.popleft().done
            if not done.done():
                done.set_result(appended)

    def _refuse(self, wrong: Wrong) -> None:
        """One of them is to blame, not all."""
        waiting = self._waiting[wrong.place]
        del self._waiting[wrong.place]
        kind = TooLarge if wrong.too_large else EventRefused
        _fail(waiting, kind(waiting.id, wrong.field, wrong.reason))

    def _fail_all(self, error: TidingsError) -> None:
        while self._waiting:
            _fail(self._waiting.popleft(), type(error)(str(error)))

    async def _pause(self, problem: Unavailable, failures: int) -> None:
        """Wait as long as was asked for, and then somewhere up to a limit that doubles (full jitter), so that many do not come at once."""
        self.trouble = str(problem)
        asked = min(problem.pause_seconds, ASKED_PAUSE_LIMIT_SECONDS)
        await asyncio.sleep(
            asked + random.uniform(0, min(PAUSE_SECONDS * 2**failures, PAUSE_LIMIT_SECONDS))
        )


def _fail(waiting: Waiting, error: TidingsError) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)
