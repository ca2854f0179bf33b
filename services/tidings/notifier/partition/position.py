"""The position of a partition: up to where its events are routed.

It lies in the stream that the notifier writes to, so output and position are stored together.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec
from tidings.client.appender import Appender, ExpectedSequence
from tidings.client.jetstream import JetStream
from tidings.contracts.codec import encode
from tidings.contracts.messages import NewMessage
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import (
    EVENTS,
    NOTIFICATIONS,
    partition_events_subject,
    position_subject,
)
from tidings.runtime.errors import Fenced, LogLost, Unavailable, WrongSequence
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import last_message, read

SERVICE = "notifier"
POSITION_HEADER = "Tidings-Position"
ALL_SUBJECTS = ">"
NEVER_EXPIRES = {"Nats-TTL": "never"}
_HEADER = re.compile(r"(\d+):(\d+)\.(\d+)\Z")


class Position(NamedTuple):
    """All events before `sequence` are routed, and the first `offset` outputs of that event.

    An offset of 0 means all of its outputs.
    """

    sequence: int
    offset: int = 0

    @property
    def start_after(self) -> int:
        """Return the sequence after which to follow the events from here."""
        return self.sequence - 1 if self.offset else self.sequence

    def sort_key(self) -> tuple[int, float]:
        """Return a key to compare positions: a whole event is later than any of its offsets."""
        return self.sequence, self.offset or float("inf")


def position_header(partition: int, at: Position) -> dict[str, str]:
    """Return the header of a single append, which carries the position that it reaches."""
    return {POSITION_HEADER: f"{partition}:{at.sequence}.{at.offset}"}


def position_message(
    partition: int, at: Position, epoch: str, since: int | None = None
) -> NewMessage:
    """Return a position message to append."""
    body = PositionMessage(sequence=at.sequence, offset=at.offset, epoch=epoch, since=since)
    return NewMessage(position_subject(SERVICE, partition), encode(body), headers=NEVER_EXPIRES)


class Fence(NamedTuple):
    """The result of a takeover: where to go on, and the sequence that every append must expect."""

    position: Position
    sequence: int


async def take_over_partition(
    jetstream: JetStream, appender: Appender, partition: int, epoch: str, applied: int = 0
) -> Fence:
    """Make this process the partition's only writer, then find how far the one before came.

    `applied`: the audience's checkpoint; an event is applied to it before it is routed.

    Raises Fenced if another process was faster, Unavailable, or LogLost if the position is of
    another `EVENTS`.
    """
    subject = position_subject(SERVICE, partition)
    before = await last_message(jetstream, NOTIFICATIONS, subject)
    message = (
        msgspec.json.decode(before.data, type=PositionMessage)
        if before
        else PositionMessage(sequence=0, epoch=epoch)
    )
    if message.epoch != epoch:
        raise LogLost(
            f"partition {partition} was routed up to {message.sequence} of another EVENTS"
            f" (epoch {message.epoch}, now {epoch})"
        )
    at = Position(message.sequence, message.offset)
    since = (message.since or before.sequence) if before else 0
    own = position_message(partition, at, epoch, since)
    try:
        sequence = await appender.append_expecting(
            own, ExpectedSequence(subject, before.sequence if before else 0)
        )
    except WrongSequence as error:
        raise Fenced(f"partition {partition} was taken over by another notifier: {error}") from None
    if await _has_events_after(jetstream, partition, at, applied):
        at = await _latest_position(jetstream, partition, at, since, sequence)
    return Fence(at, sequence)


async def _has_events_after(
    jetstream: JetStream, partition: int, at: Position, applied: int
) -> bool:
    """Return whether an event after a position may be routed.

    A leader of `EVENTS` that was suspended may not know the newest event for a moment; if it is
    routed, the audience's checkpoint tells.
    """
    newest = await last_message(jetstream, EVENTS, partition_events_subject(partition))
    return max(newest.sequence if newest else 0, applied) > at.start_after


async def _latest_position(
    jetstream: JetStream, partition: int, at: Position, since: int, until: int
) -> Position:
    """Return the latest position in a header between two sequences.

    Raises Unavailable if the stream does not show all messages up to `until`.
    """
    after = since
    while after < until:
        page = await read(jetstream, NOTIFICATIONS, ALL_SUBJECTS, after=after, leader_ends=True)
        if not page:
            raise Unavailable(f"{NOTIFICATIONS} ends before the acknowledged sequence {until}")
        later = [
            position
            for message in page
            if message.sequence < until and (position := _position_in(message, partition))
        ]
        at = max([at, *later], key=Position.sort_key)
        after = page[-1].sequence
    return at


def _position_in(message: StreamMessage, partition: int) -> Position | None:
    match = _HEADER.match(message.headers.get(POSITION_HEADER, ""))
    if match and int(match[1]) == partition:
        return Position(int(match[2]), int(match[3]))
    return None
