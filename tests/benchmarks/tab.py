"""A tab that reconnects: the messages it received, their order, and the state it saves."""

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
    """How many messages were lost, duplicated or out of order, and whether the tab was told of a
    gap.
    """

    lost: int
    twice: int
    late: int
    was_told: bool

    def __str__(self) -> str:
        parts = (
            (self.lost, "lost" if self.was_told else "lost, untold"),
            (self.twice, "twice"),
            (self.late, "out of order"),
        )
        return "; ".join(f"{count} {kind}" for count, kind in parts if count) or "nothing"


class Tab:
    """A tab of a user, which receives numbered messages."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.numbers: list[int] = []
        self.read_ids: set[str] = set()
        self.saved_state: dict[str, str] = {}
        self.was_told = False
        self.ready = asyncio.Event()
        self._came = asyncio.Event()

    def record_number(self, number: int) -> None:
        """Record the number of a message."""
        self.numbers.append(number)
        self._came.set()

    async def until(self, number: int) -> None:
        """Wait a limited time for a message, and a moment longer for any that follow."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while number not in self.numbers:
                    self._came.clear()
                    await self._came.wait()
        await asyncio.sleep(STRAGGLERS_SECONDS)

    @asynccontextmanager
    async def reading(self, frames: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
        """Read while the block lasts, from connection until the server breaks it."""
        self.ready.clear()
        task = asyncio.create_task(_to_its_end(frames))
        try:
            await asyncio.wait_for(self.ready.wait(), READY_SECONDS)
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def outcome(self, sent_numbers: Sequence[int]) -> Outcome:
        """What became of the messages that were sent."""
        distinct = list(dict.fromkeys(self.numbers))
        late = sum(
            number < max(distinct[:place], default=0) for place, number in enumerate(distinct)
        )
        return Outcome(
            len(set(sent_numbers) - set(distinct)),
            len(self.numbers) - len(distinct),
            late,
            self.was_told,
        )


async def _to_its_end(frames: Coroutine[Any, Any, None]) -> None:
    with suppress(ConnectionClosed, httpx.HTTPError, OSError):
        await frames
