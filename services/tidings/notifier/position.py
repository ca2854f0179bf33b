"""Position: how far a partition's events have been routed; it lies in the stream it writes to, so both commit together."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec
from tidings.contracts.codec import encode
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import EVENTS, NOTIFICATIONS, events_of, position
from tidings.runtime.append import Appender, Draft, Expected
from tidings.runtime.errors import Fenced, LogLost, WrongSequence
from tidings.runtime.follow import Message
from tidings.runtime.jetstream import JetStream
from tidings.runtime.read import last, read

SERVICE = "notifier"
HEADER = "Tidings-Position"
EVERYTHING = ">"
NEVER = {"Nats-TTL": "never"}
_HEADER = re.compile(r"(\d+):(\d+)\.(\d+)\Z")


class Position(NamedTuple):
    """All events before `sequence` are routed, and of that one the first `offset` outputs; an offset of 0 means all of it."""

    sequence: int
    offset: int = 0

    @property
    def after(self) -> int:
        """After which sequence to follow the events to go on from here."""
        return self.sequence - 1 if self.offset else self.sequence

    def order(self) -> tuple[int, float]:
        """For comparing positions: an event all routed is later than any of its offsets."""
        return self.sequence, self.offset or float("inf")


def header(partition: int, at: Position) -> dict[str, str]:
    """The header of a plain append, which carries the position it reaches."""
    return {HEADER: f"{partition}:{at.sequence}.{at.offset}"}


def draft(partition: int, at: Position, epoch: str, since: int | None = None) -> Draft:
    """A position message yet to be appended."""
    body = PositionMessage(sequence=at.sequence, offset=at.offset, epoch=epoch, since=since)
    return Draft(position(SERVICE, partition), encode(body), headers=NEVER)


class Fence(NamedTuple):
    """What a takeover wins: where to go on, and the sequence of our position message, which every append must expect."""

    at: Position
    sequence: int


async def take_over(jetstream: JetStream, appender: Appender, partition: int, epoch: str) -> Fence:
    """Make this process the partition's only writer, then find out how far the one before came.

    Raises Fenced if another process was faster, Unavailable, or LogLost if the position is of another `EVENTS`.
    """
    subject = position(SERVICE, partition)
    before = await last(jetstream, NOTIFICATIONS, subject)
    message = (
        msgspec.json.decode(before.data, type=PositionMessage)
        if before
        else PositionMessage(sequence=0, epoch=epoch)
    )
    if message.epoch != epoch:
        raise LogLost(
            f"partition {partition} was routed up to {message.sequence} of another EVENTS (epoch {message.epoch}, now {epoch})"
        )
    at = Position(message.sequence, message.offset)
    since = (message.since or before.sequence) if before else 0
    own = draft(partition, at, epoch, since)
    try:
        sequence = await appender.append_expecting(
            own, Expected(subject, before.sequence if before else 0)
        )
    except WrongSequence as error:
        raise Fenced(f"partition {partition} was taken over by another notifier: {error}") from None
    return Fence(await _latest(jetstream, partition, at, since, sequence), sequence)


async def _latest(
    jetstream: JetStream, partition: int, at: Position, since: int, until: int
) -> Position:
    """The latest position that a header between two sequences tells; only if events wait can there be a later one."""
    newest = await last(jetstream, EVENTS, events_of(partition))
    if newest is None or newest.sequence <= at.after:
        return at
    after = since
    while page := await read(jetstream, NOTIFICATIONS, EVERYTHING, after=after):
        found = [
            told
            for message in page
            if message.sequence < until and (told := _told(message, partition))
        ]
        at = max([at, *found], key=Position.order)
        after = page[-1].sequence
        if after >= until:
            break
    return at


def _told(message: Message, partition: int) -> Position | None:
    match = _HEADER.match(message.headers.get(HEADER, ""))
    if match and int(match[1]) == partition:
        return Position(int(match[2]), int(match[3]))
    return None
