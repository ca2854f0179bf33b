"""Quiet hours: until when the wall clock says quiet, against a search minute by minute."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tidings.domains.preferences.events import QuietWindow
from tidings.domains.preferences.forms import DAYS
from tidings.projections.preferences.quiet import first_zone, is_quiet, known_zone, quiet_until

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Berlin, forwards
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Berlin, back
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe, back half an hour
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia, over a whole day
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York, forwards
]
ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/New_York", "Asia/Kolkata")
clock_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
windows = (
    st.builds(
        QuietWindow,
        days=st.sets(st.sampled_from(DAYS), min_size=1).map(lambda days: tuple(sorted(days))),
        begin=clock_times,
        until=clock_times | st.just("24:00"),
    )
    .filter(lambda window: window.begin != window.until)
    .map(lambda window: (window,))
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)) | (
    st.builds(
        lambda change, minutes: change + minutes * MINUTE,
        st.sampled_from(CHANGES),
        st.integers(-1500, 1500),
    )
)
zones = st.sampled_from(ZONES) | st.sampled_from(sorted(zoneinfo.available_timezones()))


def search(quiet: tuple[QuietWindow, ...], at: datetime, zone: ZoneInfo) -> datetime:
    """Return the first whole minute that is not quiet; all offsets here are whole minutes."""
    found = at
    while is_quiet(quiet, found, zone):
        found = found.replace(second=0, microsecond=0) + MINUTE
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(windows, min_size=1, max_size=3), moments, zones)
@example([(QuietWindow(days=DAYS, begin="22:00", until="07:00"),)], CHANGES[0], "Europe/Berlin")
@example([(QuietWindow(days=DAYS, begin="01:30", until="02:30"),)], CHANGES[0], "Europe/Berlin")
@example([(QuietWindow(days=DAYS, begin="01:30", until="02:30"),)], CHANGES[1], "Europe/Berlin")
def test_it_ends_at_the_minute_that_a_search_finds(
    drawn: list[tuple[QuietWindow, ...]], at: datetime, name: str
) -> None:
    quiet, zone = tuple(window for each in drawn for window in each), ZoneInfo(name)
    end = quiet_until(quiet, at, zone)

    if end is None:
        assert all(is_quiet(quiet, at + hours * 60 * MINUTE, zone) for hours in range(8 * 24))
    else:
        assert end == search(quiet, at, zone)


def test_an_hour_that_occurs_twice_is_quiet_twice() -> None:
    quiet = (QuietWindow(days=DAYS, begin="02:00", until="02:30"),)
    first = datetime(2026, 10, 25, 0, 10, tzinfo=UTC)

    assert quiet_until(quiet, first, BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert is_quiet(quiet, first + timedelta(hours=1), BERLIN)
    assert quiet_until(quiet, first + timedelta(hours=1), BERLIN) == datetime(
        2026, 10, 25, 1, 30, tzinfo=UTC
    )


def test_days_without_an_end_are_quiet_for_ever() -> None:
    always = (QuietWindow(days=DAYS, begin="00:00", until="24:00"),)

    assert quiet_until(always, CHANGES[0], BERLIN) is None


@pytest.mark.parametrize("name", ["Mars/Phobos", "../etc/passwd", "a\0b", "", "x" * 5000])
def test_an_unknown_zone_counts_as_the_next_one(name: str) -> None:
    assert known_zone(name) is None
    assert first_zone([None, name, "Europe/Berlin"]) == BERLIN
    assert first_zone([name]) == ZoneInfo("UTC")
