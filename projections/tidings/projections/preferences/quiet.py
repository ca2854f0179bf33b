"""Quiet hours: whether the wall clock says quiet at an instant, and until when; pure.

Quiet is a function of the wall clock, which every instant has one of in a zone: a change of offset
leaves nothing ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidings.domains.preferences.events import QuietWindow
from tidings.domains.preferences.forms import DAYS

SEARCHED_DAYS = 9
"""Windows repeat each week; a change of offset moves them by no more than a day."""
STEP = timedelta(hours=2)
"""No zone changes its offset twice in this time."""
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
DAY_MINUTES = 24 * 60


@lru_cache(maxsize=1024)
def known_zone(name: str) -> ZoneInfo | None:
    """Return the time zone of a name, None if this machine knows none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def first_zone(names: Iterable[str | None]) -> ZoneInfo:
    """Return the first of the zones that exists: of a device, a person, a tenant; else UTC."""
    found = (zone for name in names if name and (zone := known_zone(name)))
    return next(found, ZoneInfo("UTC"))


def is_quiet(windows: Sequence[QuietWindow], at: datetime, zone: ZoneInfo) -> bool:
    """Return whether the wall clock of a zone is in one of the windows at an instant."""
    local = at.astimezone(zone)
    minute, weekday = local.hour * 60 + local.minute, local.weekday()
    return any(_covers(window, weekday, minute) for window in windows)


def quiet_until(windows: Sequence[QuietWindow], at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the first instant from `at` on (UTC) that is not quiet; None if all of them are."""
    begin = at.astimezone(UTC)
    if not is_quiet(windows, begin, zone):
        return begin
    for _ in range(SEARCHED_DAYS):
        end = begin + DAY
        candidates = {*_boundaries(windows, begin, zone), *_offset_changes(begin, zone)}
        for candidate in sorted(candidates):
            if begin < candidate <= end and not is_quiet(windows, candidate, zone):
                return candidate
        begin = end
    return None


def _covers(window: QuietWindow, weekday: int, minute: int) -> bool:
    begin, until = _minute(window.begin), _minute(window.until)
    today = DAYS[weekday] in window.days
    if begin < until:
        return today and begin <= minute < until
    yesterday = DAYS[weekday - 1] in window.days
    return (today and minute >= begin) or (yesterday and minute < until)


def _minute(clock_time: str) -> int:
    return int(clock_time[:2]) * 60 + int(clock_time[3:])


def _boundaries(windows: Sequence[QuietWindow], at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the instants of a day from `at` on whose wall clock is at a boundary, and some others.

    A wall clock that occurs twice, or not at all, has two candidates: one for each offset.
    """
    ends = {_minute(window.until) % DAY_MINUTES for window in windows}
    minutes = {0, *ends, *(_minute(window.begin) for window in windows)}
    first, last = (at + days for days in (-DAY, 2 * DAY))
    day, last_day = first.astimezone(zone).date(), last.astimezone(zone).date()
    while day <= last_day:
        for minute in minutes:
            yield from _instants(day, minute, zone)
        day += DAY


def _instants(day: date, minute: int, zone: ZoneInfo) -> Iterator[datetime]:
    clock = time(minute // 60, minute % 60)
    for fold in (0, 1):
        local = datetime.combine(day, clock, zone).replace(fold=fold)
        yield local.astimezone(UTC)


def _offset_changes(at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the instants of a day from `at` on at which the zone's offset changes."""
    before = at.replace(microsecond=0)
    for _ in range(DAY // STEP + 1):
        after = before + STEP
        if _offset(before, zone) != _offset(after, zone):
            yield _change_between(before, after, zone)
        before = after


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    offset = _offset(before, zone)
    while after - before > SECOND:
        middle = before + (after - before) // 2 // SECOND * SECOND
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
