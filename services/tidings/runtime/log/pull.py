"""Pulls: requests for the next messages of a consumer, bounded in messages and in bytes."""

from __future__ import annotations

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


class Pull(NamedTuple):
    """A request for up to `messages`, which end before they exceed `bytes` (0: no such limit).

    `token` is the last one of its reply subject, on which the server reports the end too.
    """

    messages: int
    bytes: int
    token: str

    @property
    def request(self) -> bytes:
        """Return the body for `$JS.API.CONSUMER.MSG.NEXT`."""
        return _encode_request(self.messages, self.bytes)


class OutstandingPulls:
    """What a consumer has requested and the server has neither delivered nor given back."""

    __slots__ = ("_limit_bytes", "_needs_oversized", "_numbers", "_pulls", "bytes", "messages")

    def __init__(self) -> None:
        self.messages = 0
        self.bytes = 0
        self._numbers = count(1)
        self._pulls: dict[str, Pull] = {}
        self._limit_bytes = 0
        self._needs_oversized = False

    def next_pull(self, limit_messages: int, limit_bytes: int) -> Pull:
        """Return the next pull and count it.

        A message larger than a whole pull is requested alone, without a limit in bytes.
        """
        token = str(next(self._numbers))
        if self._needs_oversized:
            self._needs_oversized = False
            self.messages += 1
            return Pull(1, 0, token)
        pull = self._pulls[token] = Pull(limit_messages, limit_bytes, token)
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
def _encode_request(messages: int, size: int) -> bytes:
    request = {
        "batch": messages,
        "expires": PULL_TIMEOUT_SECONDS * 1_000_000_000,
        "idle_heartbeat": HEARTBEAT_INTERVAL_SECONDS * 1_000_000_000,
    }
    return msgspec.json.encode({**request, "max_bytes": size} if size else request)
