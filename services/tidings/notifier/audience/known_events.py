"""Known events: which events are certainly new, so that Postgres need not be asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

from tidings.notifier.audience.event_filter import LIMIT_BITS, EventFilter
from tidings.projections.audience.queries import SEEN_COUNT, SEEN_PAGE
from tidings.runtime.readmodels.postgres import Postgres
from tidings.runtime.readmodels.read_model import ReadModel

PAGE_EVENTS = 5000
PAGE_PAUSE_SECONDS = 0.005
"""Between pages events are routed: adding one takes 3 ms."""
SMALLEST_CAPACITY = 1_000_000
LIMIT_EVENTS = LIMIT_BITS // 12
"""Beyond 45 million events the filter would take too many new ones for known: it is not used."""
GATHER_SECONDS = 0.2
"""Partitions that are taken over together share one reading of `seen`."""
DIGEST_BYTES = 16


class Coverage:
    """Whether the filter has all events of one partition that this process leads."""

    def __init__(self, model: ReadModel, partition: int, is_complete: bool) -> None:
        self.model = model
        self.partition = partition
        self.is_complete = is_complete


class KnownEvents:
    """A filter of the events in `seen`, which is trusted only for partitions it is complete for.

    It is complete for a partition when all of `seen` was read after the partition's takeover, and
    every event that this process applied since was added.
    """

    def __init__(self, postgres: Postgres, flush: Callable[[], Awaitable[None]]) -> None:
        """`flush` writes to Postgres what has been added and is not in `seen` yet."""
        self._postgres = postgres
        self._flush = flush
        self._filter: EventFilter | None = None
        self._filling: EventFilter | None = None
        self._coverages: set[Coverage] = set()
        self._left: dict[tuple[str, int], int] = {}
        self._needed = asyncio.Event()

    def open_coverage(self, model: ReadModel, partition: int, checkpoint: int) -> Coverage:
        """Return the coverage of a partition that was just taken over at a checkpoint.

        It is complete if no other process has applied an event since this one left it.
        """
        left_at = self._left.pop((model.schema, partition), None)
        coverage = Coverage(model, partition, left_at == checkpoint)
        self._coverages.add(coverage)
        if not coverage.is_complete:
            self._needed.set()
        return coverage

    def close_coverage(self, coverage: Coverage, checkpoint: int) -> None:
        """End a coverage: this process leaves the partition, which it had applied so far."""
        self._coverages.discard(coverage)
        if coverage.is_complete:
            self._left[coverage.model.schema, coverage.partition] = checkpoint

    def are_new(self, coverage: Coverage, digests: Sequence[str]) -> bool:
        """Return whether all of these events are certainly new, and differ from each other."""
        return not self.possibly_known(coverage, digests)

    def possibly_known(self, coverage: Coverage, digests: Sequence[str]) -> set[str]:
        """Return those events that are not certainly new, or equal another one of these."""
        known = self._filter
        if known is None or not coverage.is_complete:
            return set(digests)
        possible = set(filter(known.may_contain, digests))
        if len(set(digests)) < len(digests):
            possible.update(each for each, count in Counter(digests).items() if count > 1)
        return possible

    def add(self, digests: Iterable[str]) -> None:
        """Add events that are applied, or are about to be."""
        added = list(digests)
        for each in (self._filter, self._filling):
            if each is not None:
                each.add(added)
        if self._filter is not None and self._filter.is_full and self._filling is None:
            self._needed.set()

    async def fill_when_needed(self) -> None:
        """Read `seen` whenever a coverage is incomplete or the filter is full; raises Unavailable.

        A reading that fails is repeated by the next call.
        """
        loop = asyncio.get_running_loop()
        while True:
            await self._needed.wait()
            await asyncio.sleep(GATHER_SECONDS)
            began_at = loop.time()
            was_filled = await self._fill()
            self._needed.clear()
            # Taking over again and again must not read all the time.
            await asyncio.sleep(loop.time() - began_at)
            if was_filled and any(not each.is_complete for each in self._coverages):
                self._needed.set()

    async def _fill(self) -> bool:
        """Read `seen`; return False if it has more events than a filter can tell apart."""
        coverages = list(self._coverages)
        schemas = {each.model.schema: each.model for each in coverages}
        if not coverages:
            return True
        count = await self._count(schemas.values())
        if count > LIMIT_EVENTS:
            self._filter = None
            return False
        try:
            self._filling = EventFilter(max(SMALLEST_CAPACITY, 2 * count))
            # What was added to the filter before alone must be in `seen` when that is read.
            await self._flush()
            for model in schemas.values():
                await self._read_seen(model, self._filling)
            self._filter = self._filling
        finally:
            self._filling = None
        # Another process may have applied events of partitions that were left before.
        self._left.clear()
        for each in coverages:
            each.is_complete = True
        return True

    async def _count(self, models: Iterable[ReadModel]) -> int:
        count = self._filter.count if self._filter else 0
        for model in models:
            async with self._postgres.connection() as connection:
                row = await (await connection.execute(model.sql(SEEN_COUNT))).fetchone()
            count = max(count, row[0] if row else 0)
        return count

    async def _read_seen(self, model: ReadModel, into: EventFilter) -> None:
        after: str | None = "00000000000000000000000000000000"
        while after:
            async with self._postgres.connection() as connection:
                page = await connection.execute(model.sql(SEEN_PAGE), (after, PAGE_EVENTS))
                row = await page.fetchone()
            digests = bytes(row[0]) if row and row[0] else b""
            into.add_packed(digests)
            await asyncio.sleep(PAGE_PAUSE_SECONDS)
            after = digests[-DIGEST_BYTES:].hex()
