"""Read receipts: the first reading of an awaited notification becomes an event, exactly once.

Readings are found in the rows of the inbox; the position up to which they were stated lies in
`NOTIFICATIONS`. After a crash, or beside another notifier, the same event is stated again with the
same key, so it counts once.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import NamedTuple

import msgspec
from tidings.client.appender import Appender, ExpectedSequence
from tidings.contracts.codec import decode_notification, encode
from tidings.contracts.ids import OwnEventIds
from tidings.contracts.messages import NewMessage, reserved_event_message
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import NOTIFICATIONS, Subjects, position_subject
from tidings.domains.notifications.events import NotificationRead
from tidings.projections.inbox.projection import INBOX
from tidings.projections.inbox.queries import awaited_reads
from tidings.runtime.errors import LogLost, WrongSequence
from tidings.runtime.log.position import NEVER_EXPIRES
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import ReadModel, live_model

SERVICE = "read_receipts"
PARTITION = 0
"""There is one position for all readings: the notifier of this partition states them."""
POLL_SECONDS = 0.2
PAGE_ROWS = 500

UNSTATED_READS = awaited_reads(PAGE_ROWS)


class AwaitedRead(NamedTuple):
    """A reading: the user, the mark's sequence and time, and the notification as it was shown."""

    user: str
    sequence: int
    at: datetime | None
    body: str


class StatedPosition(NamedTuple):
    """The mark up to which all readings are stated, and the sequence of the position message."""

    mark: int = 0
    sequence: int = 0


async def append_read_events(runtime: Runtime) -> None:
    """State awaited readings until something fails.

    Raises Unavailable, or LogLost if the position is of another log.
    """
    model, appender = await live_model(runtime.postgres, INBOX), runtime.appender()
    stated = await _load_position(runtime)
    while True:
        reads = await _unstated_reads(runtime, model, stated.mark)
        if reads:
            await asyncio.gather(
                *(
                    appender.append(read_event(read, runtime.own_ids, runtime.settings.subjects))
                    for read in reads
                )
            )
            stated = await _save_position(runtime, appender, stated, reads[-1].sequence)
        else:
            await asyncio.sleep(POLL_SECONDS)


def read_event(reading: AwaitedRead, own_ids: OwnEventIds, subjects: Subjects) -> NewMessage:
    """Return the event that states a reading."""
    notification = decode_notification(reading.body)
    event = NotificationRead(
        notification_id=notification.id,
        user_id=reading.user,
        title=notification.title,
        entity=notification.entity,
        sender=notification.actor if notification.receipt else None,
        group=notification.group if notification.count else None,
    )
    return reserved_event_message(
        event,
        notification,
        reading.user,
        id=own_ids.read_event_id(notification.id, reading.user),
        at=reading.at,
        subjects=subjects,
    )


async def _unstated_reads(runtime: Runtime, model: ReadModel, after: int) -> list[AwaitedRead]:
    async with runtime.postgres.connection() as connection:
        rows = await connection.execute(
            model.sql(UNSTATED_READS), (after, runtime.epochs[NOTIFICATIONS])
        )
        return [AwaitedRead(*row) for row in await rows.fetchall()]


async def _load_position(runtime: Runtime) -> StatedPosition:
    newest = await last_message(
        runtime.jetstream, NOTIFICATIONS, position_subject(SERVICE, PARTITION)
    )
    if newest is None:
        return StatedPosition()
    message = msgspec.json.decode(newest.data, type=PositionMessage)
    if message.epoch != runtime.epochs[NOTIFICATIONS]:
        raise LogLost(
            f"readings are stated up to {message.sequence} of another NOTIFICATIONS"
            f" (epoch {message.epoch})"
        )
    return StatedPosition(message.sequence, newest.sequence)


async def _save_position(
    runtime: Runtime, appender: Appender, before: StatedPosition, mark: int
) -> StatedPosition:
    """Save the position; if another notifier did meanwhile, go on from its position.

    Readings that both stated count once, because their events have the same key.
    """
    subject = position_subject(SERVICE, PARTITION)
    message = PositionMessage(sequence=mark, epoch=runtime.epochs[NOTIFICATIONS])
    try:
        own = NewMessage(subject, encode(message), headers=NEVER_EXPIRES)
        return StatedPosition(
            mark, await appender.append_expecting(own, ExpectedSequence(subject, before.sequence))
        )
    except WrongSequence:
        return await _load_position(runtime)
