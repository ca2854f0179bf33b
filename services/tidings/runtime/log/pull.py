"""Pulls: requests for the next messages of a consumer, bounded in messages and in bytes."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from itertools import count
from typing import NamedTuple

import msgspec
from tidings.client.direct_client import ReceivedMessage

PULL_TIMEOUT_SECONDS = 30
HEARTBEAT_INTERVAL_SECONDS = 1
"""A consumer has one server: when that dies, only missing heartbeats tell."""
PULLS_PER_FOLLOWER = 2
"""Two pulls overlap: with one, delivery would pause between its end and the next."""
CONNECTION_LIMIT_BYTES = 32 * 1024 * 1024
"""Bytes that all followers of a connection request at once.

nats-server cuts a connection as a slow consumer when more than its `max_pending` (64 MiB) waits to
be read.
"""
PULL_LIMIT_BYTES = 4 * 1024 * 1024


class Pulls(Enum):
    """How a follower requests messages.

    OVERLAPPING: two pulls at a time, so that each message comes at once. GATHERING: one pull at a
    time, which waits for the first message and then ends with all that there are. What is appended
    while the reader is busy or pauses comes together, which costs the server far less.
    """

    OVERLAPPING = "overlapping"
    GATHERING = "gathering"


class Pull(NamedTuple):
    """A request for up to `messages`, which end before they exceed `bytes` (0: no such limit).

    `token` is the last one of its reply subject, on which the server reports the end too.
    """

    messages: int
    bytes: int
    token: str
    pulls: Pulls = Pulls.OVERLAPPING

    @property
    def request(self) -> bytes:
        """Return the body for `$JS.API.CONSUMER.MSG.NEXT`."""
        return _encode_request(self.messages, self.bytes, self.pulls)


class OutstandingPulls:
    """What a consumer has requested and the server has neither delivered nor given back."""

    __slots__ = (
        "_kind",
        "_limit_bytes",
        "_needs_oversized",
        "_numbers",
        "_pulls",
        "bytes",
        "messages",
    )

    def __init__(self, kind: Pulls = Pulls.OVERLAPPING) -> None:
        self.messages = 0
        self.bytes = 0
        self._kind = kind
        self._numbers = count(1)
        self._pulls: dict[str, Pull] = {}
        self._limit_bytes = 0
        self._needs_oversized = False

    def has_room(
        self, waiting: int, waiting_bytes: int, limit_messages: int, limit_bytes: int
    ) -> bool:
        """Return whether to request more while `waiting` messages have not been read."""
        if self._kind is Pulls.GATHERING:
            return self.messages <= 0 and not waiting
        return (
            self.messages + waiting <= limit_messages and self.bytes + waiting_bytes <= limit_bytes
        )

    def next_pull(self, limit_messages: int, limit_bytes: int) -> Pull:
        """Return the next pull and count it.

        A message larger than a whole pull is requested alone, without a limit in bytes.
        """
        token = str(next(self._numbers))
        if self._needs_oversized:
            self._needs_oversized = False
            self.messages += 1
            return Pull(1, 0, token, self._kind)
        pull = self._pulls[token] = Pull(limit_messages, limit_bytes, token, self._kind)
        self.messages += limit_messages
        self.bytes += limit_bytes
        self._limit_bytes = limit_bytes
        return pull

    def record_delivery(self, size: int) -> None:
        """Count a delivered message of `size` bytes."""
        self.messages -= 1
        if size <= self._limit_bytes:
            self.bytes -= size
        if self.bytes <= 0:
            # A pull whose last byte was used ends without a report of what it still wanted.
            self._clear()

    def record_end(self, token: str, headers: dict[str, str], *, is_refusal: bool) -> None:
        """Count the end of a pull, whose headers say what it still wanted; without them, all.

        `is_refusal`: it ends because the next message exceeds its bytes.
        """
        pull = self._pulls.pop(token, None)
        if pull is None:
            return
        left_bytes = int(headers.get("Nats-Pending-Bytes", pull.bytes))
        self.messages -= int(headers.get("Nats-Pending-Messages", pull.messages))
        self.bytes -= left_bytes
        self._needs_oversized |= is_refusal and left_bytes >= pull.bytes
        if not self._pulls:
            self._clear()

    def _clear(self) -> None:
        self.messages = self.bytes = 0
        self._pulls.clear()


def pull_bytes(followers: int) -> int:
    """Return the bytes of one pull when a connection serves this many followers."""
    share = CONNECTION_LIMIT_BYTES // (PULLS_PER_FOLLOWER * max(1, followers))
    return min(PULL_LIMIT_BYTES, share)


def delivered_bytes(delivery: ReceivedMessage) -> int:
    """Return the size of a message as the server counts it against the bytes of a pull."""
    return (
        len(delivery.subject) + len(delivery.reply) + len(delivery.raw_headers) + len(delivery.data)
    )


@lru_cache(maxsize=256)
def _encode_request(messages: int, size: int, pulls: Pulls) -> bytes:
    request: dict[str, int | bool] = {
        "batch": messages,
        "expires": PULL_TIMEOUT_SECONDS * 1_000_000_000,
        "idle_heartbeat": HEARTBEAT_INTERVAL_SECONDS * 1_000_000_000,
    }
    if pulls is Pulls.GATHERING:
        request["no_wait"] = True
    if size:
        request["max_bytes"] = size
    return msgspec.json.encode(request)
