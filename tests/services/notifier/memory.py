"""The memory of one notifier process: which events it knows, and what it has not recorded yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tidings.notifier.audience.known_events import KnownEvents
from tidings.notifier.audience.write_behind import WriteBehind
from tidings.runtime.process import Runtime


class AudienceMemory:
    """The parts that the partitions of a notifier process share."""

    def __init__(self, runtime: Runtime) -> None:
        self.write_behind = WriteBehind(runtime.postgres)
        self.known_events = KnownEvents(runtime.postgres, self.write_behind.flush_all)


@asynccontextmanager
async def filling(known: KnownEvents) -> AsyncIterator[None]:
    """Fill a filter of known events in the background whenever that is needed."""
    task = asyncio.create_task(known.fill_when_needed())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
