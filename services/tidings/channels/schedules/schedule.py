"""A schedule, and when its announcement is published; pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from tidings.channels.decider.digest_times import instant_of, next_clock_time
from tidings.domains.announcements.events import (
    AnnouncementPublished,
    LocalMoment,
    Repetition,
    ScheduledAnnouncement,
)
from tidings.domains.preferences.forms import DAYS
from tidings.projections.preferences.quiet import first_zone
from tidings.projections.preferences.values import (
    PublishedValue,
    ScheduleTimeValue,
    ScheduleValue,
)

LATE_LIMIT = timedelta(days=1)
"""What could not be published for longer is not published any more."""


class Schedule(NamedTuple):
    """An announcement of a tenant that is published at a time, or at several.

    `stated`: when that time was stated; `published`: the time for which it was published last;
    `event`: the one that stated the schedule.
    """

    tenant: str
    id: str
    event: int
    at: LocalMoment | None
    repeats: Repetition | None
    announcement: ScheduledAnnouncement
    stated: datetime
    published: datetime | None = None

    def next_time(self) -> datetime | None:
        """Return the first time (UTC) for which it is not published, None without any.

        Of a repetition it is one after it was stated; the time of a single one may lie before.
        """
        if self.at:
            moment = _instant(self.at)
            return None if self.published and self.published >= moment else moment
        return self._next_repetition(max(self.stated, self.published or self.stated))

    def next_in_time(self, now: datetime) -> datetime | None:
        """Return the next time that is not too long ago, None without any."""
        moment, earliest = self.next_time(), now - LATE_LIMIT
        if moment is None or moment >= earliest:
            return moment
        return None if self.at else self._next_repetition(earliest)

    def event_at(self, occurrence: datetime) -> AnnouncementPublished:
        """Return the event that publishes it for a time."""
        fields = {name: getattr(self.announcement, name) for name in _FIELDS}
        return AnnouncementPublished(**fields, schedule_id=self.id, occurrence=occurrence)

    def _next_repetition(self, after: datetime) -> datetime | None:
        if self.repeats is None:
            return None
        days, zone = self.repeats.days or DAYS, first_zone((self.repeats.zone,))
        moment = next_clock_time(self.repeats.at, days, after, zone)
        return None if self.repeats.until and moment >= self.repeats.until else moment


_FIELDS = ScheduledAnnouncement.__struct_fields__


def _instant(local: LocalMoment) -> datetime:
    zone = first_zone((local.zone,))
    return instant_of(datetime.fromisoformat(local.local).replace(tzinfo=zone))


def schedule_of(row: tuple[Any, ...]) -> Schedule:
    """Return the schedule of a row of `SCHEDULES_NOW`."""
    tenant, identifier, event, value, moved, published = row
    stated = msgspec.json.decode(value, type=ScheduleValue)
    time = msgspec.json.decode(moved, type=ScheduleTimeValue) if moved else stated
    last = msgspec.json.decode(published, type=PublishedValue).occurrence if published else None
    return Schedule(
        tenant,
        identifier,
        event,
        time.at,
        time.repeats,
        stated.announcement,
        datetime.fromtimestamp(time.stated, UTC),
        last,
    )
