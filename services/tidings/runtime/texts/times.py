"""Times and dates as a reader writes them, in their locale and time zone; pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_datetime_format
from tidings.contracts.rules import AuthoredText, TemplateValues

UNKNOWN_ZONE = ""
"""The zone of a reader who has none: UTC, which the text then names."""
DATE_AT_TIME = {"de": "{1} um {0} Uhr"}
"""How a locale writes a date with a time within a sentence, where CLDR's pattern does not fit."""
NARROW_SPACE = "\u202f"


def has_times(values: TemplateValues | AuthoredText) -> bool:
    """Return whether the values have a time whose text depends on the reader's zone."""
    if isinstance(values, AuthoredText):
        return False
    for value in values.values():
        if not isinstance(value, str) and isinstance(value, datetime) and value.tzinfo is not None:
            return True
    return False


@lru_cache(maxsize=4096)
def format_moment(moment: date, locale: str, zone: str) -> str:
    """Return a date, or a time with its date, as a locale writes it: December 1, 2026, 10:00 AM.

    A time without a zone is written as it is. Without a reader's zone, a time is in UTC, and
    the text names it.
    """
    if not isinstance(moment, datetime):
        return format_date(moment, "long", locale=locale)
    if moment.tzinfo is None:
        return _date_and_time(moment, locale)
    reader_zone = find_zone(zone)
    local = _date_and_time(moment.astimezone(reader_zone or UTC), locale)
    return local if reader_zone else f"{local} UTC"


@lru_cache(maxsize=1024)
def find_zone(name: str) -> tzinfo | None:
    """Return the time zone of an IANA name, None if there is none of this name."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, OSError, ValueError):  # unknown, a folder of zones, or no relative path
        return None


def _date_and_time(moment: datetime, locale: str) -> str:
    pattern = DATE_AT_TIME.get(locale) or get_datetime_format("medium", locale=locale)
    day = format_date(moment, "long", locale=locale)
    time = format_time(moment, "short", locale=locale).replace(NARROW_SPACE, " ")
    return str(pattern).replace("'", "").replace("{1}", day).replace("{0}", time)
