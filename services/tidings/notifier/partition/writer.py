"""Writing: outputs and the position they reach, stored together and fenced."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple
from uuid import uuid4

from tidings.client.appender import Appender, ExpectedSequence, commit_staged, stage_messages
from tidings.client.jetstream import JetStream
from tidings.contracts.messages import BATCH_LIMIT_BYTES, BATCH_LIMIT_MESSAGES, NewMessage
from tidings.contracts.subjects import NOTIFICATIONS, position_subject
from tidings.notifier.partition.position import (
    SERVICE,
    Fence,
    Position,
    position_header,
    position_message,
)
from tidings.runtime.errors import Fenced, WrongSequence
from tidings.runtime.log.read import last_message

SINGLE_APPENDS_LIMIT_MESSAGES = 8
OUTPUTS_PER_BATCH = BATCH_LIMIT_MESSAGES - 1


class Output(NamedTuple):
    """A message for a user's log and the position that is reached with it."""

    message: NewMessage
    position: Position


class Writer:
    """The only writer of a partition while its fence holds; any error calls for a new takeover."""

    def __init__(
        self, jetstream: JetStream, appender: Appender, partition: int, epoch: str, fence: Fence
    ) -> None:
        self._jetstream = jetstream
        self._appender = appender
        self._partition = partition
        self._epoch = epoch
        self._fence = fence.sequence
        self._saved_position: Position = fence.position
        self._commit: asyncio.Task[None] | None = None
        self.newest_saved: Position = fence.position
        """The newest position that a message of its own states, or may state soon."""

    async def write_outputs(self, outputs: Iterable[Output], reached: Position) -> None:
        """Append few outputs one by one, many in atomic batches that end with a position."""
        remaining = iter(outputs)
        first_outputs = list(islice(remaining, SINGLE_APPENDS_LIMIT_MESSAGES + 1))
        if len(first_outputs) <= SINGLE_APPENDS_LIMIT_MESSAGES:
            await self._append_singly(first_outputs)
        else:
            await self._append_batches(_chunks(chain(first_outputs, remaining)), reached)

    async def save_position(self, reached: Position, *, again: bool = False) -> None:
        """Append the position alone if it is not saved yet, or `again`."""
        await self.flush()
        if again or reached != self._saved_position:
            self.newest_saved = reached
            await self._append(position_message(self._partition, reached, self._epoch), moves=True)
            self._saved_position = reached

    async def is_leader(self) -> bool:
        """Return whether no other process took the partition over since; raises Unavailable."""
        newest = await last_message(
            self._jetstream, NOTIFICATIONS, position_subject(SERVICE, self._partition)
        )
        return newest is not None and newest.sequence == self._fence

    async def flush(self) -> None:
        """Wait until the staged batch is committed; raises Fenced or Unavailable if it was not."""
        commit, self._commit = self._commit, None
        if commit:
            await commit

    async def _append_singly(self, outputs: list[Output]) -> None:
        for output in outputs:
            await self.flush()
            await self._append(
                output.message._replace(
                    headers={
                        **output.message.headers,
                        **position_header(self._partition, output.position),
                    }
                )
            )

    async def _append_batches(self, chunks: Iterator[list[Output]], reached: Position) -> None:
        chunk = next(chunks)
        while chunk:
            following = next(chunks, list[Output]())
            await self._send_batch(
                [output.message for output in chunk], chunk[-1].position if following else reached
            )
            chunk = following

    async def _send_batch(self, messages: list[NewMessage], reached: Position) -> None:
        """Stage a batch while the one before is being committed, then commit it.

        Its last message, the position, waits for the earlier commit: it expects its sequence.
        """
        batch = uuid4().hex
        await stage_messages(self._jetstream, batch, messages)
        await self.flush()
        self.newest_saved = reached
        self._commit = asyncio.create_task(self._commit_batch(batch, len(messages) + 1, reached))

    async def _commit_batch(self, batch: str, count: int, reached: Position) -> None:
        try:
            last = position_message(self._partition, reached, self._epoch)
            self._fence = await commit_staged(self._jetstream, batch, count, last, self._expected)
        except WrongSequence as error:
            raise self._fenced_error(error) from None
        self._saved_position = reached

    async def _append(self, message: NewMessage, *, moves: bool = False) -> None:
        try:
            sequence = await self._appender.append_expecting(message, self._expected)
        except WrongSequence as error:
            raise self._fenced_error(error) from None
        if moves:
            self._fence = sequence

    @property
    def _expected(self) -> ExpectedSequence:
        return ExpectedSequence(position_subject(SERVICE, self._partition), self._fence)

    def _fenced_error(self, error: WrongSequence) -> Fenced:
        return Fenced(f"partition {self._partition} was taken over by another notifier: {error}")


def _chunks(outputs: Iterable[Output]) -> Iterator[list[Output]]:
    """Yield the outputs of each batch, bounded in messages and in bytes."""
    chunk, size = list[Output](), 0
    for output in outputs:
        chunk.append(output)
        size += len(output.message.data)
        if len(chunk) == OUTPUTS_PER_BATCH or size >= BATCH_LIMIT_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
