"""Rates: how much somebody may do in a time, and how much of it is left."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

BUCKETS_LIMIT = 100_000

K = TypeVar("K", bound=Hashable)


class Rate(NamedTuple):
    """So many within a window, all at once or evenly, and never more in the long run than its quotient."""

    name: str
    quota: int
    window_seconds: float


class Standing(NamedTuple):
    """What is left of a rate, and when all of it is there again; `wait_seconds` is above zero if there was not enough."""

    rate: Rate
    left: int
    full_seconds: float
    wait_seconds: float = 0.0

    def check(self) -> None:
        """Raise Throttled if there was not enough."""
        if self.wait_seconds:
            raise Throttled(self)

    @property
    def headers(self) -> dict[str, str]:
        """What HTTP says of it (draft-ietf-httpapi-ratelimit-headers-10)."""
        name, quota, window = self.rate
        return {
            "RateLimit-Policy": f'"{name}";q={quota};w={window:.0f}',
            "RateLimit": f'"{name}";r={self.left};t={math.ceil(self.full_seconds)}',
            **({"Retry-After": str(math.ceil(self.wait_seconds))} if self.wait_seconds else {}),
        }


class Throttled(Exception):
    """Too much in too short a time; come back after `standing.wait_seconds`."""

    def __init__(self, standing: Standing) -> None:
        rate = standing.rate
        wait = math.ceil(standing.wait_seconds)
        super().__init__(
            f"at most {rate.quota} {rate.name} in {rate.window_seconds:.0f} seconds; come back in {wait} s"
        )
        self.standing = standing


def rate_of(name: str, given: tuple[int, int] | None) -> Rate | None:
    """A rate as a setting gives it."""
    return Rate(name, *given) if given else None


def taken(rate: Rate, full: float, now: float) -> tuple[float, Standing]:
    """Take one of a bucket that is full again at `full`: when it will be full then, and how it stands.

    The token bucket as one number (the generic cell rate algorithm of ITU-T I.371); times in seconds of one clock.
    """
    step = rate.window_seconds / rate.quota
    after = max(full, now) + step
    missing = after - now - rate.window_seconds
    if missing > step * 1e-6:
        return full, Standing(rate, 0, full - now, missing)
    return after, Standing(
        rate, int((rate.window_seconds - (after - now)) / step + 1e-6), after - now
    )


class Bucket:
    """One bucket of a rate."""

    __slots__ = ("_full", "_rate")

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full = 0.0

    def take(self, now: float) -> Standing:
        """Take one, if there is one."""
        self._full, standing = taken(self._rate, self._full, now)
        return standing


class Buckets(Generic[K]):
    """A bucket for each key, as many as were used last up to a limit; one that is forgotten begins full."""

    def __init__(self, rate: Rate, limit: int = BUCKETS_LIMIT) -> None:
        self._rate = rate
        self._limit = limit
        self._full: OrderedDict[K, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full)

    def take(self, key: K, now: float) -> Standing:
        """Take one of a key's, if there is one."""
        self._full[key], standing = taken(self._rate, self._full.get(key, 0.0), now)
        self._full.move_to_end(key)
        if len(self._full) > self._limit:
            self._full.popitem(last=False)
        return standing
