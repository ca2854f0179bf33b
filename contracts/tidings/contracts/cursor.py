"""The cursor of a client: a position in its log, opaque to clients."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2s
from typing import NamedTuple

from tidings.contracts.ids import escape
from tidings.contracts.subjects import Person

_NUMBER = r"(0|[1-9][0-9]{0,18})"
_EPOCH = r"[0-9a-f]{8}(?:[0-9a-f]{8})?"
_CURSOR = re.compile(rf"({_EPOCH})-{_NUMBER}(?:\.{_NUMBER}\.{_NUMBER})?\Z")
EPOCH_CHARACTERS = 8


class InvalidCursor(ValueError):
    """A cursor is `<epoch>-<sequence>`, as sent by the server; leave it out to start afresh."""

    def __str__(self) -> str:
        return str(self.__doc__)  # clients are shown the docstring as the error


class Cursor(NamedTuple):
    """A position in a log: a sequence in one incarnation of `NOTIFICATIONS`, the epoch.

    The epoch is that of the stream and, except in cursors of single entries and in those of former
    versions, a hash of the log's owner: so a client that changed its user is not taken for one
    that has the entries of the new user up to there.

    A compact replay sends one row for each changed notification, ordered by its last change. A
    cursor within such a replay has two more parts: `row`, the own sequence of the row that was sent
    last among those changed at `sequence`; and `until`, the checkpoint as of which the rows were
    read. A client with such a cursor is complete only after the remaining rows and all entries up
    to that checkpoint.
    """

    epoch: str
    sequence: int
    row: int = 0
    until: int = 0

    def __str__(self) -> str:
        plain = f"{self.epoch}-{self.sequence}"
        return f"{plain}.{self.row}.{self.until}" if self.until else plain

    def is_of(self, personal_epoch: str) -> bool:
        """Return whether this may be a cursor of the log with a personal epoch."""
        return self.epoch in (personal_epoch, personal_epoch[:EPOCH_CHARACTERS])

    @property
    def highest_sequence(self) -> int:
        """Return the highest sequence in the cursor."""
        return max(self.sequence, self.row, self.until)

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Parse `<epoch>-<sequence>` with or without `.<row>.<until>`; raises InvalidCursor."""
        if match := _CURSOR.match(text):
            return cls(match[1], int(match[2]), int(match[3] or 0), int(match[4] or 0))
        raise InvalidCursor


@lru_cache(maxsize=65_536)
def personal_epoch(epoch: str, person: Person) -> str:
    """Return the epoch in the cursors of a person's log: the stream's, and a hash of the owner."""
    owner = f"{epoch} {escape(person.tenant)} {escape(person.user)}".encode()
    return epoch + blake2s(owner, digest_size=4).hexdigest()


def epoch_of(created: str) -> str:
    """Return the epoch of a stream, 8 hex digits, from its creation time as the server gives it."""
    return blake2s(created.encode(), digest_size=4).hexdigest()
