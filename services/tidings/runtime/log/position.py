"""Positions: up to where a service has handled a partition of a stream.

They lie in the stream that the service writes to, so output and position are stored together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from tidings.contracts.codec import encode
from tidings.contracts.messages import NewMessage
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import position_subject
from tidings.runtime.errors import Fenced, WrongSequence

NEVER_EXPIRES = {"Nats-TTL": "never"}
_HEADER = re.compile(r"(\d+):(\d+)\.(\d+)\Z")


class Position(NamedTuple):
    """All messages before `sequence` are handled, and the first `offset` outputs of that one.

    An offset of 0 means all of its outputs.
    """

    sequence: int
    offset: int = 0

    @property
    def start_after(self) -> int:
        """Return the sequence after which to follow the messages from here."""
        return self.sequence - 1 if self.offset else self.sequence

    def sort_key(self) -> tuple[int, float]:
        """Return a key to compare positions: a whole message is later than any of its offsets."""
        return self.sequence, self.offset or float("inf")


class HandledPartition(NamedTuple):
    """A partition of a stream that one process of a service handles at a time.

    `subject` matches the partition's messages in `stream`, whose epoch is `epoch`. Outputs and
    positions are appended to `NOTIFICATIONS`; `header` names the position in an output, and is
    another one for each service.
    """

    service: str
    number: int
    stream: str
    subject: str
    epoch: str
    header: str

    @property
    def position_subject(self) -> str:
        """Return the subject of the position messages."""
        return position_subject(self.service, self.number)

    def position_header(self, at: Position) -> dict[str, str]:
        """Return the header of a single append, which carries the position that it reaches."""
        return {self.header: f"{self.number}:{at.sequence}.{at.offset}"}

    def position_message(self, at: Position, since: int | None = None) -> NewMessage:
        """Return a position message to append."""
        body = PositionMessage(
            sequence=at.sequence, offset=at.offset, epoch=self.epoch, since=since
        )
        return NewMessage(self.position_subject, encode(body), headers=NEVER_EXPIRES)

    def position_in(self, headers: Mapping[str, str]) -> Position | None:
        """Return the position in an output's headers; None if they have none of this partition."""
        match = _HEADER.match(headers.get(self.header, ""))
        if match and int(match[1]) == self.number:
            return Position(int(match[2]), int(match[3]))
        return None

    def fenced_error(self, error: WrongSequence) -> Fenced:
        """Return the error of an append that was refused because of another process."""
        return Fenced(f"partition {self.number} was taken over by another {self.service}: {error}")


class Fence(NamedTuple):
    """The result of a takeover: where to go on, and the sequence that every append must expect."""

    position: Position
    sequence: int
