"""Entries for people's logs, written as the notifier writes them, all at once or as they fall due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from msgspec import Raw
from tidings.contracts import subjects
from tidings.contracts.codec import encode, instant
from tidings.contracts.ids import NotificationIds
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person
from tidings.runtime.append import BATCH_LIMIT_MESSAGES, Appender, Draft

DELIVERY_SECONDS = 0.002

Entry = Callable[[int, int], Draft]
"""The entry of a number that falls due at a moment, in nanoseconds of CLOCK_MONOTONIC."""


def notification(number: int, one: Person, partitions: int, sent_ns: int = 1) -> Draft:
    """A notification for somebody that says when it was sent."""
    now = time.time_ns()
    body = Notification(
        id=NotificationIds(f"{number}-{now}", "bench").of(one.user),
        type="announcement.published",
        category="system_announcement",
        title="Task assigned",
        message="You have been assigned to task: Water the seedlings",
        data=Raw(
            encode(
                {
                    "sent_ns": sent_ns,
                    "task_id": "1",
                    "task_title": "Water the seedlings",
                    "user_id": one.user,
                }
            )
        ),
        tenant=one.tenant,
        user=one.user,
        created=instant(now),
    )
    return Draft(subjects.inbox(one, partitions), encode(body))


async def append(appender: Appender, drafts: list[Draft]) -> None:
    """Append all of them, as few batches as that takes."""
    for first in range(0, len(drafts), BATCH_LIMIT_MESSAGES):
        await appender.append_batch(drafts[first : first + BATCH_LIMIT_MESSAGES])


async def deliver(appender: Appender, entry: Entry, count: int, per_second: float) -> list[float]:
    """Append `count` entries at a steady rate, those that have fallen due since the last time in one batch.

    Each is stamped with the moment it fell due, so that waiting for the batch before counts as latency. Returns the milliseconds from
    there until it was on disk.
    """
    started, sent, taken = time.monotonic_ns(), 0, list[float]()
    while sent < count:
        until = min(
            count,
            int((time.monotonic_ns() - started) / 1e9 * per_second) + 1,
            sent + BATCH_LIMIT_MESSAGES,
        )
        due = [started + int(number * 1e9 / per_second) for number in range(sent, until)]
        await appender.append_batch(
            [entry(number, moment) for number, moment in enumerate(due, sent)]
        )
        now, sent = time.monotonic_ns(), until
        taken += [(now - moment) / 1e6 for moment in due]
        await asyncio.sleep(DELIVERY_SECONDS)
    return taken
