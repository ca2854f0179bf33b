"""Writing: outputs and the position they reach, committed together and fenced against any other writer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple
from uuid import uuid4

from tidings.contracts.subjects import NOTIFICATIONS, position
from tidings.notifier.position import SERVICE, Fence, Position, draft, header
from tidings.runtime.append import BATCH_LIMIT_MESSAGES, Appender, Draft, Expected, seal, stage
from tidings.runtime.errors import Fenced, WrongSequence
from tidings.runtime.jetstream import JetStream
from tidings.runtime.read import last

PLAIN_LIMIT_MESSAGES = 8
OUTPUTS_PER_BATCH = BATCH_LIMIT_MESSAGES - 1


class Output(NamedTuple):
    """A message for somebody's log and the position that is reached with it."""

    draft: Draft
    at: Position


class Writer:
    """The only writer of a partition for as long as its fence holds; any error leaves it to a new takeover."""

    def __init__(
        self, jetstream: JetStream, appender: Appender, partition: int, epoch: str, fence: Fence
    ) -> None:
        self._jetstream = jetstream
        self._appender = appender
        self._partition = partition
        self._epoch = epoch
        self._fence = fence.sequence
        self._stored = fence.at
        self._sealing: asyncio.Task[None] | None = None

    async def write(self, outputs: Iterable[Output], reached: Position) -> None:
        """Append a few outputs plainly, many in atomic batches, the last of which says that `reached` is reached."""
        remaining = iter(outputs)
        few = list(islice(remaining, PLAIN_LIMIT_MESSAGES + 1))
        if len(few) <= PLAIN_LIMIT_MESSAGES:
            await self._plainly(few)
        else:
            await self._in_batches(_chunks(few, remaining), reached)

    async def park(self, reached: Position, *, again: bool = False) -> None:
        """Write the position by itself, if it is not written yet, or `again`."""
        await self.settled()
        if again or reached != self._stored:
            await self._append(draft(self._partition, reached, self._epoch), moves=True)
            self._stored = reached

    async def leads(self) -> bool:
        """Whether nobody took the partition over since; raises Unavailable."""
        newest = await last(self._jetstream, NOTIFICATIONS, position(SERVICE, self._partition))
        return newest is not None and newest.sequence == self._fence

    async def settled(self) -> None:
        """Wait until all that was sent is committed; raises Fenced or Unavailable if it was not."""
        sealing, self._sealing = self._sealing, None
        if sealing:
            await sealing

    async def _plainly(self, few: list[Output]) -> None:
        for output in few:
            await self.settled()
            await self._append(
                output.draft._replace(
                    headers={**output.draft.headers, **header(self._partition, output.at)}
                )
            )

    async def _in_batches(self, chunks: Iterator[list[Output]], reached: Position) -> None:
        chunk = next(chunks)
        while chunk:
            following = next(chunks, list[Output]())
            await self._batch(
                [output.draft for output in chunk], chunk[-1].at if following else reached
            )
            chunk = following

    async def _batch(self, drafts: list[Draft], at: Position) -> None:
        """Send a batch while the one before is being committed; its last message, the position, waits for that."""
        batch = uuid4().hex
        await stage(self._jetstream, batch, drafts)
        await self.settled()
        self._sealing = asyncio.create_task(self._seal(batch, len(drafts) + 1, at))

    async def _seal(self, batch: str, count: int, at: Position) -> None:
        try:
            last = draft(self._partition, at, self._epoch)
            self._fence = await seal(self._jetstream, batch, count, last, self._expected)
        except WrongSequence as error:
            raise self._fenced(error) from None
        self._stored = at

    async def _append(self, one: Draft, *, moves: bool = False) -> None:
        try:
            sequence = await self._appender.append_expecting(one, self._expected)
        except WrongSequence as error:
            raise self._fenced(error) from None
        if moves:
            self._fence = sequence

    @property
    def _expected(self) -> Expected:
        return Expected(position(SERVICE, self._partition), self._fence)

    def _fenced(self, error: WrongSequence) -> Fenced:
        return Fenced(f"partition {self._partition} was taken over by another notifier: {error}")


def _chunks(few: list[Output], remaining: Iterator[Output]) -> Iterator[list[Output]]:
    chunk = [*few, *islice(remaining, OUTPUTS_PER_BATCH - len(few))]
    while chunk:
        yield chunk
        chunk = list(islice(remaining, OUTPUTS_PER_BATCH))
