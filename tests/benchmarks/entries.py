"""Append entries to the logs of users as the notifier does, all at once or at a steady rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from msgspec import Raw
from tidings.client.appender import Appender
from tidings.contracts.codec import encode, instant
from tidings.contracts.ids import NotificationIds
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES, NewMessage
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person, Subjects

DELIVERY_SECONDS = 0.002

Entry = Callable[[int, int], NewMessage]
"""The entry of a number that falls due at a moment, in nanoseconds of CLOCK_MONOTONIC."""


def notification(number: int, user: Person, subjects: Subjects, sent_ns: int = 1) -> NewMessage:
    """Return a notification that carries the time it was sent."""
    now = time.time_ns()
    body = Notification(
        id=NotificationIds(f"{number}-{now}", "bench").id_for(user.user),
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
                    "user_id": user.user,
                }
            )
        ),
        tenant=user.tenant,
        user=user.user,
        created=instant(now),
    )
    return NewMessage(subjects.inbox_subject(user), encode(body))


async def append(appender: Appender, drafts: list[NewMessage]) -> None:
    """Append all drafts in as few batches as possible."""
    for first in range(0, len(drafts), BATCH_LIMIT_MESSAGES):
        await appender.append_batch(drafts[first : first + BATCH_LIMIT_MESSAGES])


async def deliver(appender: Appender, entry: Entry, count: int, per_second: float) -> list[float]:
    """Append `count` entries at a steady rate, all entries that are due in one batch.

    Each entry is stamped with its due time, so that waiting for the previous batch counts as
    latency. Returns the milliseconds from the due time until the entry is on disk.
    """
    started_at, count_sent, latencies = time.monotonic_ns(), 0, list[float]()
    while count_sent < count:
        next_count = min(
            count,
            int((time.monotonic_ns() - started_at) / 1e9 * per_second) + 1,
            count_sent + BATCH_LIMIT_MESSAGES,
        )
        due = [
            started_at + int(number * 1e9 / per_second) for number in range(count_sent, next_count)
        ]
        await appender.append_batch(
            [entry(number, moment) for number, moment in enumerate(due, count_sent)]
        )
        now, count_sent = time.monotonic_ns(), next_count
        latencies += [(now - moment) / 1e6 for moment in due]
        await asyncio.sleep(DELIVERY_SECONDS)
    return latencies
