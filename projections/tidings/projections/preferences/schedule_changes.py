"""The changes that events make to the schedules of announcements; pure."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.domains.announcements.events import (
    AnnouncementCancelled,
    AnnouncementPublished,
    AnnouncementRescheduled,
    AnnouncementScheduled,
)
from tidings.projections.preferences.setting_change import (
    SettingChange,
    SettingCleared,
    give_setting,
)
from tidings.projections.preferences.values import (
    SCHEDULES,
    Kind,
    PublishedValue,
    ScheduleTimeValue,
    ScheduleValue,
)

_KINDS: tuple[Kind, ...] = ("schedule", "schedule_time", "published")


def announcement_scheduled(
    event: AnnouncementScheduled | AnnouncementRescheduled, at_seconds: int = 0
) -> Iterator[SettingChange]:
    """Begin a schedule anew, or replace its time."""
    key = event.schedule_id
    if isinstance(event, AnnouncementScheduled):
        value = ScheduleValue(
            at=event.at,
            repeats=event.repeats,
            announcement=event.announcement,
            stated=at_seconds,
        )
        yield give_setting(SCHEDULES, "schedule", key, value)
        yield SettingCleared(SCHEDULES, "schedule_time", key)
    else:
        time = ScheduleTimeValue(at=event.at, repeats=event.repeats, stated=at_seconds)
        yield give_setting(SCHEDULES, "schedule_time", key, time)


def announcement_cancelled(event: AnnouncementCancelled) -> Iterator[SettingChange]:
    """End a schedule."""
    for kind in _KINDS:
        yield SettingCleared(SCHEDULES, kind, event.schedule_id)


def announcement_published(event: AnnouncementPublished) -> Iterator[SettingChange]:
    """Note which time of a schedule is published."""
    if event.schedule_id and event.occurrence:
        value = PublishedValue(occurrence=event.occurrence)
        yield give_setting(SCHEDULES, "published", event.schedule_id, value)
