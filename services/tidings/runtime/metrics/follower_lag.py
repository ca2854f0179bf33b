"""The lag of followers: the messages that each has not handled yet, and their age in seconds.

Every message that JetStream delivers carries the number of those behind it, so the lag costs no
request.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class LoggedMessage(Protocol):
    """A message of a stream, with the time of its append in nanoseconds since 1970."""

    @property
    def time_nanoseconds(self) -> int:
        """Return the time of its append."""
        ...


class FollowPosition:
    """The messages that a follower has not handled: its batch, the received and the pending ones.

    It outlives a follow that fails, so that a follower that cannot start again still shows its lag.
    `pending`: the number of messages in the stream behind the newest received one, as text or
    number; `newest_nanoseconds`: the time of that one, 0 before the first. `in_flight`: a batch
    that is still written while the reader requests the next one. `reached`: the sequence up to
    which the reader has been given every message that it asks for.
    """

    __slots__ = ("batch", "in_flight", "newest_nanoseconds", "pending", "reached", "received")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Clear the position: a new follow begins, or another process handles the messages."""
        self.in_flight: Sequence[LoggedMessage] = ()
        self.batch: Sequence[LoggedMessage] = ()
        self.received: Sequence[LoggedMessage] = ()
        self.pending: str | int = 0
        self.newest_nanoseconds = 0
        self.reached = 0

    def release(self) -> None:
        """Record that the batch in flight has been written."""
        self.in_flight = ()

    @property
    def message_count(self) -> int:
        """Return how many messages are not handled."""
        return int(self.pending) + len(self.received) + len(self.batch) + len(self.in_flight)

    @property
    def oldest_nanoseconds(self) -> int:
        """Return the time of the oldest message that is not handled, 0 if unknown or none.

        The next pending one is at least as new as the newest received one.
        """
        for messages in (self.in_flight, self.batch, self.received):
            if messages:
                return messages[0].time_nanoseconds
        return self.newest_nanoseconds if int(self.pending) else 0


class FollowerLags(Collector):
    """The lag of each follower of a process, over all its parts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._positions: dict[str, dict[int, FollowPosition]] = {}
        registry.register(self)

    def position_of(self, name: str, part: int = 0) -> FollowPosition:
        """Return the position of a follower, or of one of its parts; always the same one."""
        return self._positions.setdefault(name, {}).setdefault(part, FollowPosition())

    def share_position(self, names: Sequence[str]) -> FollowPosition:
        """Return the position of followers that follow together: that of the first of them."""
        position = self.position_of(names[0])
        for name in names:
            self._positions[name] = {0: position}
        return position

    def separate_position(self, name: str) -> None:
        """Give a follower a position of its own again."""
        self._positions[name] = {0: FollowPosition()}

    def collect(self) -> Iterator[Metric]:
        """Yield the lag of every follower."""
        messages = GaugeMetricFamily(
            "tidings_follower_lag_messages",
            "Messages of the stream that the follower has not handled yet.",
            labels=["follower"],
        )
        seconds = GaugeMetricFamily(
            "tidings_follower_lag_seconds",
            "Age of the oldest message that the follower has not handled yet.",
            labels=["follower"],
        )
        for name, positions in self._positions.items():
            parts = positions.values()
            messages.add_metric([name], sum(part.message_count for part in parts))
            seconds.add_metric([name], _age([part.oldest_nanoseconds for part in parts]))
        yield messages
        yield seconds


def _age(times_nanoseconds: list[int]) -> float:
    """Return the seconds since the oldest of these times, 0 without one."""
    known_times = list(filter(None, times_nanoseconds))
    return max(0.0, time.time() - min(known_times) / 1e9) if known_times else 0.0
