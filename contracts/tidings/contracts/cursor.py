"""The cursor of a client: a position in its log, opaque to clients."""

from __future__ import annotations

import re
from hashlib import blake2s
from typing import NamedTuple

_NUMBER = r"(0|[1-9][0-9]{0,18})"
_CURSOR = re.compile(rf"([0-9a-f]{{8}})-{_NUMBER}(?:\.{_NUMBER}\.{_NUMBER})?\Z")


class InvalidCursor(ValueError):
    """A cursor is `<epoch>-<sequence>`, as sent by the server; leave it out to start afresh."""

    def __str__(self) -> str:
        return str(self.__doc__)  # clients are shown the docstring as the error


class Cursor(NamedTuple):
    """A position in `NOTIFICATIONS`: a sequence in one incarnation of that stream, the epoch.

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


def epoch_of(created: str) -> str:
    """Return the epoch of a stream, 8 hex digits, from its creation time as the server gives it."""
    return blake2s(created.encode(), digest_size=4).hexdigest()
