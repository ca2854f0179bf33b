"""Cursor: how far a client has seen its log; the incarnation of the stream and a sequence in it, opaque to clients."""

from __future__ import annotations

import re
from hashlib import blake2s
from typing import NamedTuple

_NUMBER = r"(0|[1-9][0-9]{0,18})"
_CURSOR = re.compile(rf"([0-9a-f]{{8}})-{_NUMBER}(?:\.{_NUMBER}\.{_NUMBER})?\Z")


class InvalidCursor(ValueError):
    """A cursor is `<epoch>-<sequence>`, as sent by the server; leave it out to start afresh."""

    def __str__(self) -> str:
        return str(self.__doc__)


class Cursor(NamedTuple):
    """A position in `NOTIFICATIONS` (sequence) of one incarnation of that stream (epoch).

    In the middle of a compact replay, where each notification is told once, in the order of their last change, it also says
    behind which of those that changed last at this very sequence (`row`, its own sequence), and as at which checkpoint they
    were told (`until`): whoever stands there is complete only after the rest of the rows, up to that checkpoint at least.
    """

    epoch: str
    sequence: int
    row: int = 0
    until: int = 0

    def __str__(self) -> str:
        plain = f"{self.epoch}-{self.sequence}"
        return f"{plain}.{self.row}.{self.until}" if self.until else plain

    @property
    def reaches(self) -> int:
        """The highest sequence that it has to do with."""
        return max(self.sequence, self.row, self.until)

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read `<epoch>-<sequence>` or `<epoch>-<sequence>.<row>.<until>`; raises InvalidCursor."""
        if match := _CURSOR.match(text):
            return cls(match[1], int(match[2]), int(match[3] or 0), int(match[4] or 0))
        raise InvalidCursor


def epoch(created: str) -> str:
    """The name of a stream's incarnation, from its creation time as the server states it: 8 hex digits."""
    return blake2s(created.encode(), digest_size=4).hexdigest()
