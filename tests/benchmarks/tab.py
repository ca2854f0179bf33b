"""A tab that comes and goes: what it was sent, in which order, and what it keeps from one connection to the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import httpx
from websockets.exceptions import ConnectionClosed

READY_SECONDS = 10.0
WAIT_SECONDS = 4.0
STRAGGLERS_SECONDS = 0.3


class Outcome(NamedTuple):
    """How many messages never came, came twice, came after a later one; and whether the tab was told that some may be missing."""

    lost: int
    twice: int
    late: int
    told: bool

    def __str__(self) -> str:
        found = (
            (self.lost, "lost" if self.told else "lost, untold"),
            (self.twice, "twice"),
            (self.late, "out of order"),
        )
        return "; ".join(f"{count} {what}" for count, what in found if count) or "nothing"


class Tab:
    """One tab of a user's; what it gets is numbered."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.numbers: list[int] = []
        self.read: set[str] = set()
        self.kept: dict[str, str] = {}
        self.told = False
        self.ready = asyncio.Event()
        self._came = asyncio.Event()

    def came(self, number: int) -> None:
        """A message has come."""
        self.numbers.append(number)
        self._came.set()

    async def until(self, number: int) -> None:
        """Wait until a message has come, for some seconds at most, and a moment longer for those that might follow."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while number not in self.numbers:
                    self._came.clear()
                    await self._came.wait()
        await asyncio.sleep(STRAGGLERS_SECONDS)

    @asynccontextmanager
    async def reading(self, frames: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
        """Read what is sent while the block lasts, once the connection stands, or until the server breaks it."""
        self.ready.clear()
        task = asyncio.create_task(_to_its_end(frames))
        try:
            await asyncio.wait_for(self.ready.wait(), READY_SECONDS)
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def outcome(self, sent: Sequence[int]) -> Outcome:
        """What became of the messages that were sent."""
        distinct = list(dict.fromkeys(self.numbers))
        late = sum(
            number < max(distinct[:place], default=0) for place, number in enumerate(distinct)
        )
        return Outcome(
            len(set(sent) - set(distinct)), len(self.numbers) - len(distinct), late, self.told
        )


async def _to_its_end(frames: Coroutine[Any, Any, None]) -> None:
    with suppress(ConnectionClosed, httpx.HTTPError, OSError):
        await frames
