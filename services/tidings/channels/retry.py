"""Retries: when a delivery is tried again, and when it is given up; pure.

The jitter comes from the delivery's id, so that the same decision is made whenever it is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2s
from types import MappingProxyType
from typing import NamedTuple

from tidings.contracts.channels import Channel

MINUTE_SECONDS = 60.0
HOUR_SECONDS = 3600.0
DAY_SECONDS = 86_400.0
JITTER = 0.2
FAILING_LIMIT = timedelta(days=5)
"""An address that nothing has reached for so long is not tried any more."""
FAILING_ATTEMPTS = 4
"""A delivery that failed less often says nothing about its address."""
SUPPRESSED_IF_FAILING: frozenset[Channel] = frozenset(("webhook", "chat"))
DEMANDED_LIMIT_SECONDS = DAY_SECONDS
"""The longest wait that another side may demand."""


class RetrySchedule(NamedTuple):
    """Seconds to wait after the first failure, the second, and so on.

    After the last of them it is given up; with `limit_seconds` the last one repeats until so long
    after the first attempt.
    """

    delays_seconds: tuple[float, ...]
    limit_seconds: float | None = None


_PUSH = RetrySchedule((30, 2 * MINUTE_SECONDS, 10 * MINUTE_SECONDS), 4 * HOUR_SECONDS)
SCHEDULES: Mapping[Channel, RetrySchedule] = MappingProxyType(
    {
        "email": RetrySchedule(
            (5, 30, 2 * MINUTE_SECONDS, 10 * MINUTE_SECONDS, 30 * MINUTE_SECONDS, HOUR_SECONDS),
            DAY_SECONDS,
        ),
        "webhook": RetrySchedule(
            (
                *(5, 5 * MINUTE_SECONDS, 30 * MINUTE_SECONDS, 2 * HOUR_SECONDS, 5 * HOUR_SECONDS),
                *(10 * HOUR_SECONDS, 14 * HOUR_SECONDS, 20 * HOUR_SECONDS, DAY_SECONDS),
            )
        ),
        "chat": RetrySchedule(
            (5, 30, 2 * MINUTE_SECONDS, 10 * MINUTE_SECONDS, 30 * MINUTE_SECONDS, HOUR_SECONDS),
            DAY_SECONDS,
        ),
        "webpush": _PUSH,
        "apns": _PUSH,
        "fcm": _PUSH,
    }
)
"""The waits for webhooks are those of the Standard Webhooks."""


def next_attempt(
    channel: Channel,
    delivery: str,
    attempts: int,
    *,
    first: datetime,
    now: datetime,
    expires: datetime | None = None,
) -> datetime | None:
    """Return when to try again after `attempts` failed ones, None to give up.

    `first`: the moment of the first attempt. Nothing is tried at or after `expires`.
    """
    schedule = SCHEDULES[channel]
    delay = _delay_seconds(schedule, attempts)
    if delay is None:
        return None
    moment = now + timedelta(seconds=delay * (1 - JITTER + 2 * JITTER * _share(delivery, attempts)))
    limit = schedule.limit_seconds
    if limit is not None and moment >= first + timedelta(seconds=limit):
        return None
    return None if expires is not None and moment >= expires else moment


def is_stale_push(
    channel: Channel, moment: datetime, *, first: datetime, expires: datetime | None = None
) -> bool:
    """Return whether a push would come too late at a moment, whoever demanded to wait for it.

    `first`: the moment of the first attempt. What goes out on another channel is never stale.
    """
    limit = SCHEDULES[channel].limit_seconds
    if SCHEDULES[channel] is not _PUSH or limit is None:
        return False
    return moment >= first + timedelta(seconds=limit) or (expires is not None and moment >= expires)


def demanded_attempt(
    delivery: str, attempts: int, *, after_seconds: float, now: datetime
) -> datetime:
    """Return when to try again if the other side said after how long: never before, up to a fifth
    later, and after a day at most.
    """
    delay = min(max(after_seconds, 0), DEMANDED_LIMIT_SECONDS)
    return now + timedelta(seconds=delay * (1 + JITTER * _share(delivery, attempts)))


def _delay_seconds(schedule: RetrySchedule, attempts: int) -> float | None:
    delays = schedule.delays_seconds
    if attempts <= len(delays):
        return delays[attempts - 1]
    return None if schedule.limit_seconds is None else delays[-1]


def _share(delivery: str, attempts: int) -> float:
    """Return a number from 0 to 1, the same for the same attempt."""
    digest = blake2s(f"{delivery} {attempts}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 0xFFFF_FFFF
