"""Cursor: how far a client has seen its log; the incarnation of the stream and a sequence in it, opaque to clients."""

from __future__ import annotations

import re
from hashlib import blake2s
from typing import NamedTuple

_CURSOR = re.compile(r"([0-9a-f]{8})-(0|[1-9][0-9]{0,18})\Z")


class InvalidCursor(ValueError):
    """A cursor is `<epoch>-<sequence>`, as sent by the server; leave it out to start afresh."""

    def __str__(self) -> str:
        return str(self.__doc__)


class Cursor(NamedTuple):
    """A position in `NOTIFICATIONS` (sequence) of one incarnation of that stream (epoch)."""

    epoch: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read `<epoch>-<sequence>`; raises InvalidCursor."""
        if match := _CURSOR.match(text):
            return cls(match[1], int(match[2]))
        raise InvalidCursor


def epoch(created: str) -> str:
    """The name of a stream's incarnation, from its creation time as the server states it: 8 hex digits."""
    return blake2s(created.encode(), digest_size=4).hexdigest()
