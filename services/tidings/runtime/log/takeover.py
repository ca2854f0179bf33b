"""Takeovers: make a process the only writer of partitions, and find how far the last one came."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from tidings.client.appender import Appender, ExpectedSequence
from tidings.client.jetstream import JetStream
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.errors import LogLost, Unavailable, WrongSequence
from tidings.runtime.log.position import Fence, HandledPartition, Position
from tidings.runtime.log.read import last_message, read

ALL_SUBJECTS = ">"
GATHER_SECONDS = 0.03
"""Partitions whose takeovers begin within that time read what was written only once."""


async def take_over(
    jetstream: JetStream, appender: Appender, partition: HandledPartition, known: int = 0
) -> Fence:
    """Make this process the partition's only writer, then find how far the one before came.

    `known`: a sequence up to which the partition may have been handled, from another source than
    the stream.

    Raises Fenced if another process was faster, Unavailable, or LogLost if the position is of
    another stream.
    """
    claim = await _claim(jetstream, appender, partition, known)
    await _find_positions(jetstream, [claim])
    return claim.fence()


class Takeovers:
    """Takes partitions over as `take_over` does, those that ask at the same time in one go."""

    def __init__(self, jetstream: JetStream, appender: Appender) -> None:
        self._jetstream = jetstream
        self._appender = appender
        self._reading: _SharedReading | None = None

    async def take_over(self, partition: HandledPartition, known: int = 0) -> Fence:
        """Take one partition over; see `take_over`."""
        claim = await _claim(self._jetstream, self._appender, partition, known)
        if not claim.is_searched:
            return claim.fence()
        if self._reading is None or self._reading.has_begun:
            self._reading = _SharedReading(self._jetstream)
        await self._reading.find_position(claim)
        return claim.fence()


class _Claim:
    """A partition whose newest position message is this process's.

    Messages after `since` and before `sequence` may carry a later position in a header, which is
    searched for if `is_searched`.
    """

    def __init__(
        self, partition: HandledPartition, position: Position, since: int, sequence: int
    ) -> None:
        self.partition = partition
        self.position = position
        self.since = since
        self.sequence = sequence
        self.is_searched = True

    def fence(self) -> Fence:
        """Return the result of the takeover."""
        return Fence(self.position, self.sequence)


class _SharedReading:
    """One reading of the written messages for several claims."""

    def __init__(self, jetstream: JetStream) -> None:
        self.has_begun = False
        self._jetstream = jetstream
        self._claims: list[_Claim] = []
        self._task: asyncio.Task[None] | None = None
        self._waiting_count = 0

    async def find_position(self, claim: _Claim) -> None:
        """Find the latest position of a claim; raises Unavailable."""
        self._claims.append(claim)
        self._task = self._task or asyncio.create_task(self._read())
        self._waiting_count += 1
        try:
            await asyncio.wait((self._task,))
        finally:
            self._waiting_count -= 1
            if not self._waiting_count:
                self.has_begun = True  # none may join what is cancelled
                self._task.cancel()
        if problem := self._task.exception():
            raise type(problem)(*problem.args)

    async def _read(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        self.has_begun = True
        await _find_positions(self._jetstream, self._claims)


async def _claim(
    jetstream: JetStream, appender: Appender, partition: HandledPartition, known: int
) -> _Claim:
    """Append a position message that refuses every other writer from then on."""
    subject = partition.position_subject
    before = await last_message(jetstream, NOTIFICATIONS, subject)
    message = (
        msgspec.json.decode(before.data, type=PositionMessage)
        if before
        else PositionMessage(sequence=0, epoch=partition.epoch)
    )
    if message.epoch != partition.epoch:
        raise LogLost(
            f"partition {partition.number} was routed up to {message.sequence} of another"
            f" {partition.stream} (epoch {message.epoch}, now {partition.epoch})"
        )
    at = Position(message.sequence, message.offset)
    since = (message.since or before.sequence) if before else 0
    own = partition.position_message(at, since)
    try:
        sequence = await appender.append_expecting(
            own, ExpectedSequence(subject, before.sequence if before else 0)
        )
    except WrongSequence as error:
        raise partition.fenced_error(error) from None
    claim = _Claim(partition, at, since, sequence)
    claim.is_searched = await _has_messages_after(jetstream, partition, at, known)
    return claim


async def _has_messages_after(
    jetstream: JetStream, partition: HandledPartition, at: Position, known: int
) -> bool:
    """Return whether a message after a position may be handled.

    A leader of the stream that was suspended may not know the newest message for a moment; if it is
    handled, `known` tells.
    """
    newest = await last_message(jetstream, partition.stream, partition.subject)
    return max(newest.sequence if newest else 0, known) > at.start_after


async def _find_positions(jetstream: JetStream, claims: Sequence[_Claim]) -> None:
    """Find the latest position of each claim that is searched for, among the headers.

    Raises Unavailable if the stream does not show all messages up to the last claim.
    """
    searched = [claim for claim in claims if claim.is_searched]
    after = min((claim.since for claim in searched), default=0)
    until = max((claim.sequence for claim in searched), default=0)
    while after < until:
        page = await read(jetstream, NOTIFICATIONS, ALL_SUBJECTS, after=after, leader_ends=True)
        if not page:
            raise Unavailable(f"{NOTIFICATIONS} ends before the acknowledged sequence {until}")
        parsed = [(message.sequence, message.headers) for message in page]
        for claim in searched:
            later = [
                position
                for sequence, headers in parsed
                if claim.since < sequence < claim.sequence
                and (position := claim.partition.position_in(headers))
            ]
            claim.position = max([claim.position, *later], key=Position.sort_key)
        after = page[-1].sequence
