"""Scheduled announcements: published at their time, once, and listed until then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tidings.channels.schedules.schedule import LATE_LIMIT, Schedule
from tidings.domains.announcements.events import (
    Addressees,
    LocalMoment,
    Repetition,
    ScheduledAnnouncement,
)

from tests.acceptance.problems import check_problem
from tests.builders import make_event
from tests.driver import Tidings
from tests.services.channels.test_preferences_api import send
from tests.waiting import wait_until

ANNOUNCEMENT: dict[str, Any] = {
    "title": "Maintenance", "message": "At noon", "to": {"users": ["alice"]},
}  # fmt: skip
BERLIN, SCOPES = "Europe/Berlin", ["inbox", "emit", "admin"]
DAY = timedelta(days=1)


def schedule(**more: Any) -> Schedule:
    announcement = ScheduledAnnouncement(title="T", message="M", to=Addressees(users=("alice",)))
    fields: dict[str, Any] = {"at": None, "repeats": None, "stated": utc(2026, 3, 27)}
    return Schedule("acme", "s-1", 1, announcement=announcement, **{**fields, **more})


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


def times(each: Schedule, count: int) -> list[datetime]:
    """Return the first times of a schedule, each published before the next is asked for."""
    found = list[datetime]()
    while len(found) < count and (moment := each.next_time()):
        found.append(moment)
        each = each._replace(published=moment)
    return found


def test_a_time_that_the_clocks_skip_is_the_end_of_the_gap() -> None:
    once = schedule(at=LocalMoment(local="2026-03-29T02:30", zone=BERLIN))
    repeated = schedule(repeats=Repetition(at="02:30", zone=BERLIN))

    assert times(once, 2) == [utc(2026, 3, 29, 1)]
    assert times(repeated, 4)[2:] == [utc(2026, 3, 29, 1), utc(2026, 3, 30, 0, 30)]


def test_an_hour_that_occurs_twice_counts_once() -> None:
    repeated = schedule(
        repeats=Repetition(at="02:30", zone=BERLIN, until=utc(2026, 10, 26, 1, 30)),
        stated=utc(2026, 10, 24, 12),
    )

    assert times(repeated, 3) == [utc(2026, 10, 25, 0, 30)]


def test_only_the_days_of_a_repetition_count() -> None:
    repeated = schedule(repeats=Repetition(at="09:00", zone=BERLIN, days=("mon", "fri")))

    assert [each.weekday() for each in times(repeated, 4)] == [4, 0, 4, 0]


def test_what_is_late_by_more_than_a_day_is_skipped() -> None:
    once = schedule(at=LocalMoment(local="2026-03-29T12:00", zone="UTC"))
    repeated = schedule(repeats=Repetition(at="12:00", zone="UTC"))
    noon = utc(2026, 3, 29, 12)

    assert once.next_in_time(noon + LATE_LIMIT) == noon
    assert once.next_in_time(noon + LATE_LIMIT + timedelta(seconds=1)) is None
    assert repeated.next_in_time(noon + timedelta(hours=1)) == noon


async def test_it_is_published_once_at_its_time(tidings: Tidings, url: str) -> None:
    alice = await tidings.connect("alice")
    await alice.live()
    past = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")

    for _ in range(2):
        await tidings.emit(
            make_event(
                "announcement.scheduled",
                schedule_id="s-1",
                at={"local": past, "zone": "UTC"},
                announcement=ANNOUNCEMENT,
            )
        )
        (entry,) = await alice.until(1)
    assert entry["title"] == "Maintenance"
    assert not {"schedule_id", "occurrence"} & set(entry["data"])

    await wait_until(lambda: _is_over(tidings))
    await tidings.emit(make_event("announcement.published", **ANNOUNCEMENT))
    assert len(await alice.until(2)) == 2


async def test_pending_ones_are_listed_moved_and_cancelled(tidings: Tidings, url: str) -> None:
    due = datetime.now(UTC).replace(second=0, microsecond=0) + 2 * DAY
    await _schedule(tidings, "s-1", due + DAY)
    sequence = await _schedule(tidings, "s-2", due)
    listed = await _listed(tidings, after=sequence)
    assert [each["id"] for each in listed] == ["s-2", "s-1"]
    assert datetime.fromisoformat(listed[0]["next"]) == due

    moved = await tidings.emit(
        make_event(
            "announcement.rescheduled",
            schedule_id="s-1",
            repeats={"at": "00:00", "zone": "UTC"},
        )
    )
    assert [each["id"] for each in await _listed(tidings, after=_last(moved))] == ["s-1", "s-2"]

    answer = await send(tidings, "DELETE", "/v1/schedules/s-1", scope=SCOPES)
    assert answer.status_code == 200, answer.text
    left = await _listed(tidings, after=answer.json()["sequence"])
    assert [each["id"] for each in left] == ["s-2"]
    missing = await send(tidings, "DELETE", "/v1/schedules/s-1", scope=SCOPES)
    check_problem(missing, 404)
    check_problem(await send(tidings, "GET", "/v1/schedules"), 403)


async def _schedule(tidings: Tidings, name: str, due: datetime) -> int:
    result = await tidings.emit(
        make_event(
            "announcement.scheduled",
            schedule_id=name,
            at={"local": due.strftime("%Y-%m-%dT%H:%M"), "zone": "UTC"},
            announcement=ANNOUNCEMENT,
        )
    )
    return _last(result)


async def _listed(tidings: Tidings, after: int = 0) -> list[dict[str, Any]]:
    answer = await send(tidings, "GET", "/v1/schedules", scope=SCOPES, after=after)
    assert answer.status_code == 200, answer.text
    return answer.json()["schedules"]


async def _is_over(tidings: Tidings) -> bool:
    return await _listed(tidings) == []


def _last(result: dict[str, Any]) -> int:
    return result["sequences"][-1][-1]
