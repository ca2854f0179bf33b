"""A fenced writer: outputs and the position they reach, stored together by one process alone.

Writers of several partitions may write together: what is little goes out alone, each partition's
outputs in order; what is much goes out in atomic batches with a position of each partition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple
from uuid import uuid4

from tidings.client.appender import (
    Appender,
    ExpectedSequence,
    commit_staged,
    stage_messages,
    with_expectation,
)
from tidings.client.jetstream import JetStream
from tidings.contracts.messages import BATCH_LIMIT_BYTES, BATCH_LIMIT_MESSAGES, NewMessage
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.errors import Fenced, TidingsError, WrongSequence
from tidings.runtime.log.position import Fence, HandledPartition, Position
from tidings.runtime.log.read import last_message

SINGLE_APPENDS_LIMIT_MESSAGES = 8
"""Of one partition; they wait for each other."""
OUTPUTS_PER_BATCH = BATCH_LIMIT_MESSAGES - 1


class Output(NamedTuple):
    """A message to append and the position that is reached with it."""

    message: NewMessage
    position: Position


class FencedWriter:
    """The only writer of a partition while its fence holds; any error calls for a new takeover."""

    def __init__(
        self, jetstream: JetStream, appender: Appender, partition: HandledPartition, fence: Fence
    ) -> None:
        self.jetstream = jetstream
        self.partition = partition
        self.fence = fence.sequence
        self.saved_position: Position = fence.position
        self.newest_saved: Position = fence.position
        """The newest position that a message of its own states, or may state soon."""
        self._appender = appender
        self._commit: asyncio.Task[None] | None = None

    async def write_outputs(self, outputs: Iterable[Output], reached: Position) -> None:
        """Append few outputs one by one, many in atomic batches that end with a position."""
        remaining = iter(outputs)
        first_outputs = list(islice(remaining, SINGLE_APPENDS_LIMIT_MESSAGES + 1))
        if len(first_outputs) <= SINGLE_APPENDS_LIMIT_MESSAGES:
            await self.append_singly(first_outputs)
        else:
            await self._append_batches(_chunks(chain(first_outputs, remaining)), reached)

    async def save_position(self, reached: Position, *, again: bool = False) -> None:
        """Append the position alone if it is not saved yet, or `again`."""
        await self.flush()
        if again or reached != self.saved_position:
            self.newest_saved = reached
            self.fence = await self._append(self.partition.position_message(reached))
            self.saved_position = reached

    async def is_leader(self) -> bool:
        """Return whether no other process took the partition over since; raises Unavailable."""
        newest = await last_message(self.jetstream, NOTIFICATIONS, self.partition.position_subject)
        return newest is not None and newest.sequence == self.fence

    async def flush(self) -> None:
        """Wait until the staged batch is committed; raises Fenced or Unavailable if it was not."""
        commit, self._commit = self._commit, None
        if commit:
            # The batch may have outputs of other partitions: it goes on if this one is cancelled.
            await asyncio.wait((commit,))
            if problem := commit.exception():
                raise type(problem)(*problem.args)

    async def append_singly(self, outputs: Iterable[Output]) -> None:
        """Append outputs one by one, each with the position that it reaches."""
        await self.flush()
        for message, position in outputs:
            headers = {**message.headers, **self.partition.position_header(position)}
            await self._append(message._replace(headers=headers))

    def begin_commit(self, commit: asyncio.Task[None], reached: Position) -> None:
        """Note that a batch with a position is being committed; `flush` waits for it."""
        self._commit, self.newest_saved = commit, reached

    def expected(self) -> ExpectedSequence:
        """Return what every append of the partition expects."""
        return ExpectedSequence(self.partition.position_subject, self.fence)

    async def _append_batches(self, chunks: Iterator[list[Output]], reached: Position) -> None:
        chunk = next(chunks)
        while chunk:
            following = next(chunks, list[Output]())
            await _send_batch([Share(self, chunk, chunk[-1].position if following else reached)])
            chunk = following

    async def _append(self, message: NewMessage) -> int:
        try:
            return await self._appender.append_expecting(message, self.expected())
        except WrongSequence as error:
            raise self.partition.fenced_error(error) from None


class Share(NamedTuple):
    """What one partition writes together with others, and the position that it reaches."""

    writer: FencedWriter
    outputs: list[Output]
    reached: Position


async def write_together(
    shares: Sequence[Share], single_appends_limit: int
) -> list[BaseException | None]:
    """Write the shares of different partitions; return what each one met.

    Up to `single_appends_limit` outputs are appended alone, those of different partitions at the
    same time. More go as atomic batches. A stale fence refuses its whole batch: nothing of it is
    stored, and each partition of it meets Fenced, now or when it is flushed.
    """
    outcomes = dict[FencedWriter, BaseException | None]()
    writing = [share for share in shares if share.outputs]
    lengths = [len(share.outputs) for share in writing]
    if sum(lengths) <= single_appends_limit and max(lengths, default=0) <= (
        SINGLE_APPENDS_LIMIT_MESSAGES
    ):
        met = await _append_side_by_side(writing)
        outcomes = {share.writer: problem for share, problem in zip(writing, met, strict=True)}
    else:
        outcomes = await _write_batches(writing)
    return [outcomes.get(share.writer) for share in shares]


async def _append_side_by_side(shares: Sequence[Share]) -> Sequence[BaseException | None]:
    """Append the outputs of different partitions at the same time; return what each one met."""
    if len(shares) != 1:
        return await asyncio.gather(
            *(share.writer.append_singly(share.outputs) for share in shares),
            return_exceptions=True,
        )
    try:  # without a task of its own: most rounds have one partition
        await shares[0].writer.append_singly(shares[0].outputs)
    except TidingsError as problem:
        return [problem]
    return [None]


async def _write_batches(shares: Iterable[Share]) -> dict[FencedWriter, BaseException | None]:
    """Write atomic batches one after the other until one fails; return what each writer met."""
    outcomes = dict[FencedWriter, BaseException | None]()
    problem: BaseException | None = None
    for batch in _joint_batches(sorted(shares, key=lambda share: len(share.outputs))):
        if problem is None:
            try:
                await _send_batch(batch)
            except TidingsError as error:
                problem = error
        if problem:
            outcomes |= {share.writer: problem for share in batch}
    return outcomes


def _joint_batches(shares: Iterable[Share]) -> Iterator[list[Share]]:
    """Yield the shares of each batch, bounded in messages, with the positions, and in bytes."""
    batch, room, size = list[Share](), BATCH_LIMIT_MESSAGES, 0
    for writer, outputs, reached in shares:
        taken = 0
        while taken < len(outputs):
            if room < 2 or size >= BATCH_LIMIT_BYTES:
                yield batch
                batch, room, size = [], BATCH_LIMIT_MESSAGES, 0
            part = list(_within(outputs[taken : taken + room - 1], BATCH_LIMIT_BYTES - size))
            taken += len(part)
            position = reached if taken == len(outputs) else part[-1].position
            batch.append(Share(writer, part, position))
            room -= len(part) + 1
            size += sum(len(output.message.data) for output in part)
    if batch:
        yield batch


def _within(outputs: Iterable[Output], limit_bytes: int) -> Iterator[Output]:
    """Yield outputs up to the one that reaches a limit."""
    size = 0
    for output in outputs:
        yield output
        size += len(output.message.data)
        if size >= limit_bytes:
            return


async def _send_batch(shares: Sequence[Share]) -> None:
    """Stage a batch while the one before is being committed, then begin to commit it.

    Its last messages, the positions, wait for the earlier commits: they expect their sequences.
    """
    batch, jetstream = uuid4().hex, shares[0].writer.jetstream
    messages = [output.message for share in shares for output in share.outputs]
    await stage_messages(jetstream, batch, messages)
    for share in shares:
        await share.writer.flush()
    commit = asyncio.create_task(_commit_batch(batch, len(messages), shares))
    # A writer that is dropped does not ask for the result: the next takeover finds out.
    commit.add_done_callback(lambda task: task.cancelled() or task.exception())
    for share in shares:
        share.writer.begin_commit(commit, share.reached)


async def _commit_batch(batch: str, count: int, shares: Sequence[Share]) -> None:
    """Commit with a position of each partition, each of which must still be this process's."""
    positions = [
        with_expectation(
            share.writer.partition.position_message(share.reached), share.writer.expected()
        )
        for share in shares
    ]
    *first_ones, last = positions
    jetstream = shares[0].writer.jetstream
    try:
        if first_ones:
            await stage_messages(jetstream, batch, first_ones, count + 1)
        sequence = await commit_staged(jetstream, batch, count + len(positions), last)
    except WrongSequence as error:
        raise _fenced_error(shares, error) from None
    for share, place in zip(shares, range(len(shares) - 1, -1, -1), strict=True):
        share.writer.fence = sequence - place
        share.writer.saved_position = share.reached


def _fenced_error(shares: Sequence[Share], error: WrongSequence) -> Fenced:
    if len(shares) == 1:
        return shares[0].writer.partition.fenced_error(error)
    numbers = ", ".join(str(share.writer.partition.number) for share in shares)
    service = shares[0].writer.partition.service
    return Fenced(f"one of the partitions {numbers} was taken over by another {service}: {error}")


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
