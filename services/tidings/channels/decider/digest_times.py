"""Digest times: when the summaries of a person leave, by the wall clock of their zone; pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tidings.domains.preferences.events import DigestTime
from tidings.domains.preferences.forms import DAYS

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
        case "daily" | "weekly":
            return _next_clock_time(digest, after, zone)


def _next_multiple(after: datetime, length: timedelta) -> datetime:
    """Return the first multiple of a length since 1970 after a moment."""
    seconds = int(length.total_seconds())
    count = int(after.timestamp()) // seconds + 1
    return datetime.fromtimestamp(count * seconds, UTC)


def _next_clock_time(digest: DigestTime, after: datetime, zone: ZoneInfo) -> datetime:
    hour, _, minute = digest.at.partition(":")
    first = after.astimezone(zone).date() - timedelta(days=1)
    for days in range(SEARCHED_DAYS + 1):
        day = first + timedelta(days=days)
        if digest.every == "weekly" and DAYS[day.weekday()] != digest.day:
            continue
        moment = _instant(datetime.combine(day, time(int(hour), int(minute)), zone))
        if moment > after:
            return moment
    raise AssertionError("every week has each day")


def _instant(local: datetime) -> datetime:
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
