"""Retry-After: how long another side asks to wait (RFC 9110, section 10.2.3); pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tidings.channels.retry import DEMANDED_LIMIT_SECONDS


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a header asks to wait, a day at most; None if it says nothing.

    It is a number of seconds or a date; one that has passed is no demand.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:20]), DEMANDED_LIMIT_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:  # `-0000`: a time in UTC whose origin is unknown
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - now).total_seconds()
    return min(seconds, DEMANDED_LIMIT_SECONDS) if seconds > 0 else None
