"""The pause between batches, in which messages gather; short while somebody waits for rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from tidings.client.jetstream import JetStream
from tidings.contracts.subjects import awaited_subject

SHORT_PAUSE_SECONDS = 0.02
"""While rows are awaited all the time, a transaction each message would still cost most of all."""


class Pause:
    """Pauses, unless rows were awaited since the last pause began."""

    def __init__(self, short_seconds: float = SHORT_PAUSE_SECONDS) -> None:
        """`short_seconds`: the shortest pause."""
        self._awaited = asyncio.Event()
        self._short_seconds = short_seconds

    def cut_short(self, _: object = None) -> None:
        """End the pause, or make the next one a short one."""
        self._awaited.set()

    async def wait(self, seconds: float) -> None:
        """Wait for so many seconds, or for less if rows are awaited."""
        await asyncio.sleep(min(seconds, self._short_seconds))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds - self._short_seconds):
                await self._awaited.wait()
        self._awaited.clear()


@asynccontextmanager
async def open_pause(
    jetstream: JetStream, read_models: Iterable[str], short_seconds: float = SHORT_PAUSE_SECONDS
) -> AsyncGenerator[Pause]:
    """Open a pause that ends when the rows of one of these read models are awaited.

    It lasts for `short_seconds` at least.
    """
    pause = Pause(short_seconds)
    async with AsyncExitStack() as stack:
        for name in read_models:
            await stack.enter_async_context(
                jetstream.subscribe(awaited_subject(name), pause.cut_short)
            )
        yield pause
