"""Bodies about scheduled announcements."""

from __future__ import annotations

from msgspec import Struct
from tidings.contracts.notifications import Moment
from tidings.domains.announcements.events import LocalMoment, Repetition, ScheduledAnnouncement


class PendingSchedule(Struct, frozen=True, kw_only=True):
    """An announcement that will be published, once `at` a time, or as it `repeats`.

    `next`: its next time (UTC), null if there is none any more; `published`: the last one.
    """

    id: str
    at: LocalMoment | None
    repeats: Repetition | None
    announcement: ScheduledAnnouncement
    next: Moment | None
    published: Moment | None


class PendingSchedules(Struct, frozen=True, kw_only=True):
    """The schedules of a tenant that are not over, the earliest next time first."""

    schedules: tuple[PendingSchedule, ...]
