"""Times in the fields of events, read from ISO text to be shown in the reader's time zone."""

from __future__ import annotations

import re
import zoneinfo
from datetime import date, datetime
from functools import lru_cache

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?P<time>[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?\Z",
    re.ASCII,
)
_YEARS = range(2, 9999)
"""Years whose times can be converted to every zone."""


@lru_cache(maxsize=1)
def available_timezones() -> frozenset[str]:
    """Return the names of the time zones that this machine knows."""
    return frozenset(zoneinfo.available_timezones())


def parse_time(text: str) -> date | str:
    """Return the `datetime` or the `date` that ISO 8601 text states; other text as it is.

    A time without an offset has no zone: it is the clock's at the place of the event.
    """
    match = _ISO.match(text)
    if not match:
        return text
    try:
        time = datetime.fromisoformat(text) if match["time"] else date.fromisoformat(text)
    except ValueError:
        return text
    return time if time.year in _YEARS else text
