"""The log of a partition's deliveries, to which only the process that leads it appends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tidings.client.appender import Appender, commit_batch
from tidings.contracts.codec import encode
from tidings.contracts.deliveries import DeliveryEntry
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES, NewMessage
from tidings.contracts.subjects import Person, Subjects
from tidings.runtime.errors import WrongSequence
from tidings.runtime.log.fenced_writer import (
    SINGLE_APPENDS_LIMIT_MESSAGES,
    FencedWriter,
    Output,
)
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
        """Append few entries at the same time, in any order, and many in atomic batches.

        Raises Fenced or Unavailable.
        """
        messages = [
            NewMessage(self._subjects.delivery_subject(person), encode(entry))
            for person, entry in entries
        ]
        for first in range(0, len(messages), BATCH_LIMIT_MESSAGES):
            part = messages[first : first + BATCH_LIMIT_MESSAGES]
            self.newest = max(self.newest, await self.append_messages(part))

    async def append_messages(self, messages: Sequence[NewMessage]) -> int:
        """Append 1 to 1000 messages that are no deliveries, and return the last sequence.

        Raises Fenced or Unavailable.
        """
        async with self._lock:
            try:
                return await self._append(messages)
            except WrongSequence as error:
                raise self._partition.fenced_error(error) from None

    async def _append(self, messages: Sequence[NewMessage]) -> int:
        """Append up to 1000 messages, and return the last sequence; raises WrongSequence."""
        expected = self._writer.expected()
        if len(messages) > SINGLE_APPENDS_LIMIT_MESSAGES:
            return await commit_batch(self._writer.jetstream, messages, expected)
        return max(
            await asyncio.gather(
                *(self._appender.append_expecting(each, expected) for each in messages)
            )
        )

    async def append_planned(self, outputs: Sequence[Output], reached: Position) -> None:
        """Append plans with the position that they reach; raises Fenced or Unavailable."""
        async with self._lock:
            await self._writer.write_outputs(outputs, reached)
            await self._writer.flush()

    async def save_position(self, reached: Position, *, again: bool = False) -> None:
        """Append the position alone if it is not saved yet, or `again`."""
        async with self._lock:
            await self._writer.save_position(reached, again=again)
