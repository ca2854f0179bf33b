"""Digest times: when the summaries of a person leave, by the wall clock of their zone; pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tidings.domains.preferences.events import DigestTime
from tidings.domains.preferences.forms import DAYS, Day

GATHER = timedelta(minutes=5)
GATHER_AT_LEAST = timedelta(minutes=2)
SEARCHED_DAYS = 9
"""A weekly time is at most seven days away; a day more on each side for the zones."""


def next_digest(digest: DigestTime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment after another (UTC) at which a summary leaves.

    A time of day that a change of offset skips becomes the first instant after the gap; one that
    occurs twice counts once, the first time.
    """
    match digest.every:
        case "gathered":
            return _next_multiple(after + GATHER_AT_LEAST, GATHER)
        case "hourly":
            return _next_multiple(after, timedelta(hours=1))
        case "daily":
            return next_clock_time(digest.at, DAYS, after, zone)
        case "weekly":
            return next_clock_time(digest.at, (digest.day,), after, zone)


def _next_multiple(after: datetime, length: timedelta) -> datetime:
    """Return the first multiple of a length since 1970 after a moment."""
    seconds = int(length.total_seconds())
    count = int(after.timestamp()) // seconds + 1
    return datetime.fromtimestamp(count * seconds, UTC)


def next_clock_time(at: str, days: Collection[Day], after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant after another at which it is `at` (`08:00`) on one of some days.

    What is said of digests about changes of the offset holds for it, too.
    """
    hour, _, minute = at.partition(":")
    first = after.astimezone(zone).date() - timedelta(days=1)
    for count in range(SEARCHED_DAYS + 1):
        day = first + timedelta(days=count)
        if DAYS[day.weekday()] not in days:
            continue
        moment = instant_of(datetime.combine(day, time(int(hour), int(minute)), zone))
        if moment > after:
            return moment
    raise AssertionError("every week has each day")


def instant_of(local: datetime) -> datetime:
    """Return the instant of a wall clock's time; for one that is skipped, the end of the gap."""
    moment = local.astimezone(UTC)
    skipped = moment.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None)
    if not skipped:
        return moment
    low, high = sorted((local.replace(fold=1).astimezone(UTC), moment))
    return _end_of_gap(low, high, local)


def _end_of_gap(low: datetime, high: datetime, local: datetime) -> datetime:
    """Return the instant between two at which the zone's offset changes, to the second."""
    offset = low.astimezone(local.tzinfo).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(local.tzinfo).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high
