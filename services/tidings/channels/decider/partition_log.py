"""The log of a partition's deliveries, to which only the process that leads it appends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tidings.client.appender import Appender
from tidings.contracts.codec import encode
from tidings.contracts.deliveries import DeliveryEntry
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import Person, Subjects
from tidings.runtime.errors import WrongSequence
from tidings.runtime.log.fenced_writer import FencedWriter, Output
from tidings.runtime.log.position import HandledPartition, Position


class PartitionLog:
    """Appends what is planned, decided and done for a partition's people; fenced.

    `newest`: the sequence of the last entry. After an error the partition must be taken over
    anew: what became of the append is unknown.
    """

    def __init__(
        self,
        partition: HandledPartition,
        writer: FencedWriter,
        appender: Appender,
        subjects: Subjects,
        newest: int,
    ) -> None:
        self.number = partition.number
        self.newest = newest
        self._partition = partition
        self._writer = writer
        self._appender = appender
        self._subjects = subjects
        # A batch moves the fence, which all other appends expect.
        self._lock = asyncio.Lock()

    async def append(self, entries: Sequence[tuple[Person, DeliveryEntry]]) -> None:
        """Append entries at the same time, in any order; raises Fenced or Unavailable."""
        if not entries:
            return
        async with self._lock:
            expected = self._writer.expected()
            try:
                sequences = await asyncio.gather(
                    *(
                        self._appender.append_expecting(
                            NewMessage(self._subjects.delivery_subject(person), encode(entry)),
                            expected,
                        )
                        for person, entry in entries
                    )
                )
            except WrongSequence as error:
                raise self._partition.fenced_error(error) from None
            self.newest = max(self.newest, *sequences)

    async def append_planned(self, outputs: Sequence[Output], reached: Position) -> None:
        """Append plans with the position that they reach; raises Fenced or Unavailable."""
        async with self._lock:
            await self._writer.write_outputs(outputs, reached)
            await self._writer.flush()

    async def save_position(self, reached: Position, *, again: bool = False) -> None:
        """Append the position alone if it is not saved yet, or `again`."""
        async with self._lock:
            await self._writer.save_position(reached, again=again)
