"""Rates: token buckets, one for each key, and the headers that report them."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

BUCKETS_LIMIT = 100_000

K = TypeVar("K", bound=Hashable)


class Rate(NamedTuple):
    """A quota in a window, in bursts or evenly; in the long run at most quota / window."""

    name: str
    quota: int
    window_seconds: float


class RateStatus(NamedTuple):
    """State of a bucket after taking a token; `wait_seconds` is above zero if it had none.

    `full_seconds` is the time until the bucket is full again.
    """

    rate: Rate
    remaining: int
    full_seconds: float
    wait_seconds: float = 0.0

    def raise_if_exceeded(self) -> None:
        """Raise RateExceeded if the bucket had no token."""
        if self.wait_seconds:
            raise RateExceeded(self)

    @property
    def retry_after_seconds(self) -> int:
        """Return the whole seconds after which the bucket has a token, 0 if it has one."""
        return math.ceil(self.wait_seconds)

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers of this status (draft-ietf-httpapi-ratelimit-headers-10)."""
        name, quota, window = self.rate
        return {
            "RateLimit-Policy": f'"{name}";q={quota};w={window:.0f}',
            "RateLimit": f'"{name}";r={self.remaining};t={math.ceil(self.full_seconds)}',
            **({"Retry-After": str(self.retry_after_seconds)} if self.wait_seconds else {}),
        }


class RateExceeded(Exception):
    """A rate was exceeded; a token is available after `status.wait_seconds`."""

    def __init__(self, status: RateStatus) -> None:
        rate = status.rate
        super().__init__(
            f"at most {rate.quota} {rate.name} in {rate.window_seconds:.0f} seconds;"
            f" come back in {status.retry_after_seconds} s"
        )
        self.status = status


def rate_of(name: str, quota_and_window: tuple[int, int] | None) -> Rate | None:
    """Return the rate of a setting, None if there is no limit."""
    return Rate(name, *quota_and_window) if quota_and_window else None


def take_token(rate: Rate, full: float, now: float, count: int = 1) -> tuple[float, RateStatus]:
    """Take tokens of a bucket that is full again at `full`; return the new `full` and status.

    They are taken if the bucket has one; the missing ones are owed, and delay the next one.

    One number holds the whole bucket (the generic cell rate algorithm of ITU-T I.371); times are
    seconds of one clock.
    """
    step = rate.window_seconds / rate.quota
    missing = max(full, now) + step - now - rate.window_seconds
    # A millionth of a step is rounding: a client that waits exactly as told must be admitted.
    if missing > step * 1e-6:
        return full, RateStatus(rate, 0, full - now, missing)
    after = max(full, now) + step * count
    remaining = int((rate.window_seconds - (after - now)) / step + 1e-6)
    return after, RateStatus(rate, max(0, remaining), after - now)


class Bucket:
    """One bucket of a rate."""

    __slots__ = ("_full", "_rate")

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full = 0.0

    def take_token(self, now: float) -> RateStatus:
        """Take a token, if there is one."""
        self._full, status = take_token(self._rate, self._full, now)
        return status


class Buckets(Generic[K]):
    """A bucket for each key, at most `limit`: the least recently used is evicted, thus refilled."""

    def __init__(self, rate: Rate, limit: int = BUCKETS_LIMIT) -> None:
        self._rate = rate
        self._limit = limit
        self._full: OrderedDict[K, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full)

    def peek(self, key: K, now: float) -> RateStatus:
        """Return the status that taking a token would have, and take none."""
        return take_token(self._rate, self._full.get(key, 0.0), now)[1]

    def take_token(self, key: K, now: float, count: int = 1) -> RateStatus:
        """Take `count` tokens of a key's bucket, if there is one."""
        self._full[key], status = take_token(self._rate, self._full.get(key, 0.0), now, count)
        self._full.move_to_end(key)
        if len(self._full) > self._limit:
            self._full.popitem(last=False)
        return status

    def return_token(self, key: K) -> None:
        """Return a token that was taken of a key's bucket."""
        if key in self._full:
            self._full[key] -= self._rate.window_seconds / self._rate.quota
