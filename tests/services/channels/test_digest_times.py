"""Digest times: when summaries leave, against a search minute by minute in every zone."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tidings.channels.decider.digest_times import next_digest
from tidings.domains.preferences.events import DigestTime
from tidings.domains.preferences.forms import DAYS

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRST, LAST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"
GAP, FOLD = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
SKIPPED_DAY = datetime(2011, 12, 30, 10, tzinfo=UTC)
ZONES = sorted(zoneinfo.available_timezones())


@lru_cache
def changes(name: str) -> list[datetime]:
    """Return the hours before which a zone changes its offset."""
    zone, moment, found = ZoneInfo(name), FIRST, list[datetime]()
    while moment < LAST:
        later = moment + DAY
        if moment.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            found.append(later)
        moment = later
    return found or [FIRST]


@st.composite
def zones_and_moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """Draw a zone, and a moment that is often within two days of a change of its offset."""
    name = draw(st.sampled_from(ZONES))
    base = draw(st.sampled_from(changes(name)))
    return name, base + draw(st.integers(-3000, 3000)) * MINUTE + draw(seconds)


seconds = st.sampled_from([timedelta(0), timedelta(seconds=59, microseconds=999_999)])
times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
digests = st.builds(
    DigestTime, every=st.sampled_from(["daily", "weekly"]), at=times, day=st.sampled_from(DAYS)
)


def search(digest: DigestTime, after: datetime, name: str) -> datetime:
    """Return the first minute after a moment at which a wall clock first reaches a digest's time.

    It reaches the time of a day when it shows it, or a later one, for the first time.
    """
    zone = ZoneInfo(name)
    moment = (after - 3 * DAY).replace(second=0, microsecond=0)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    while True:
        moment += MINUTE
        now = moment.astimezone(zone).replace(tzinfo=None)
        reached = max(shown, now)
        if moment > after and any(
            digest.every == "daily" or DAYS[day.weekday()] == digest.day
            for day in _days_reached(digest, shown, reached)
        ):
            return moment
        shown = reached


def _days_reached(digest: DigestTime, before: datetime, now: datetime) -> list[datetime]:
    hour, minute = map(int, digest.at.split(":"))
    days = [before.replace(hour=hour, minute=minute) + count * DAY for count in range(3)]
    return [day for day in days if before < day <= now]


@settings(max_examples=120, deadline=None)
@given(digests, zones_and_moments())
@example(DigestTime(at="02:30"), (BERLIN, GAP - HOUR))
@example(DigestTime(at="02:30"), (BERLIN, FOLD - 2 * HOUR))
@example(DigestTime(at="02:30"), (BERLIN, FOLD - 30 * MINUTE))
@example(DigestTime(at="09:00"), ("Pacific/Apia", SKIPPED_DAY - HOUR))
@example(DigestTime(every="weekly", at="09:00", day="fri"), ("Pacific/Apia", SKIPPED_DAY - HOUR))
@example(DigestTime(at="02:15"), ("Australia/Lord_Howe", datetime(2026, 10, 3, tzinfo=UTC)))
@example(DigestTime(at="00:00"), ("America/Havana", datetime(2026, 3, 7, tzinfo=UTC)))
def test_a_summary_leaves_when_the_wall_clock_first_shows_its_time(
    digest: DigestTime, drawn: tuple[str, datetime]
) -> None:
    name, after = drawn

    assert next_digest(digest, after, ZoneInfo(name)) == search(digest, after, name)


@given(zones_and_moments())
def test_gathered_and_hourly_summaries_leave_at_whole_times(drawn: tuple[str, datetime]) -> None:
    name, after = drawn
    gathered = next_digest(DigestTime(every="gathered"), after, ZoneInfo(name))
    hourly = next_digest(DigestTime(every="hourly"), after, ZoneInfo(name))

    assert 2 * MINUTE < gathered - after <= 7 * MINUTE
    assert gathered.timestamp() % 300 == 0
    assert timedelta(0) < hourly - after <= HOUR
    assert (hourly.minute, hourly.second) == (0, 0)
