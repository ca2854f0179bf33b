"""Read receipts: when somebody first reads what another one waits for, that becomes an event, exactly once.

What is read lies in the rows of the inbox; how far they were looked through, in `NOTIFICATIONS`. Whoever says it again, after a crash
or beside another notifier, says the same event, which is known by its key.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import NamedTuple

import msgspec
from tidings.contracts.codec import decode_notification, encode
from tidings.contracts.draft import stated
from tidings.contracts.events import NotificationRead
from tidings.contracts.ids import reading_id
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import NOTIFICATIONS, position
from tidings.notifier.position import NEVER
from tidings.projections.inbox import INBOX
from tidings.runtime.append import Appender, Draft, Expected
from tidings.runtime.errors import LogLost, WrongSequence
from tidings.runtime.process import Runtime
from tidings.runtime.read import last
from tidings.runtime.readmodel import ReadModel, live

SERVICE = "read_receipts"
NUMBER = 0
"""One position for all: whoever may route this partition of `EVENTS` states what was read."""
POLL_SECONDS = 0.2
PAGE_ROWS = 500

READ = f"""
SELECT n.user_id, n.read_first, n.read, n.body FROM {{schema}}.notification n
WHERE n.awaited AND n.read_first > %s AND EXISTS (SELECT FROM {{schema}}.checkpoint WHERE epoch = %s)
ORDER BY n.read_first FETCH FIRST {PAGE_ROWS} ROWS WITH TIES
"""
"""The rows come with their checkpoint in one transaction, so none is added behind those that are found; one mark is never cut."""


class Reading(NamedTuple):
    """Who read what: the sequence of the mark, when, and the notification as they were told it."""

    user: str
    sequence: int
    at: datetime | None
    body: str


class Reached(NamedTuple):
    """Up to which mark all is stated, and the sequence of the message that says so."""

    mark: int = 0
    sequence: int = 0


async def state_readings(runtime: Runtime) -> None:
    """State what is read and awaited, until something fails; raises Unavailable, or LogLost if the position is of another log."""
    model, appender = await live(runtime.postgres, INBOX), runtime.appender()
    reached = await _reached(runtime)
    while True:
        found = await _readings(runtime, model, reached.mark)
        if found:
            await asyncio.gather(
                *(appender.append(draft(each, runtime.settings.partitions)) for each in found)
            )
            reached = await _reach(runtime, appender, reached, found[-1].sequence)
        else:
            await asyncio.sleep(POLL_SECONDS)


def draft(reading: Reading, partitions: int) -> Draft:
    """The event that somebody read something."""
    told = decode_notification(reading.body)
    fact = NotificationRead(
        notification_id=told.id,
        user_id=reading.user,
        title=told.title,
        entity=told.entity,
        sender=told.actor if told.receipt else None,
        group=told.group if told.count else None,
    )
    return stated(
        fact,
        told,
        reading.user,
        id=reading_id(told.id, reading.user),
        at=reading.at,
        partitions=partitions,
    )


async def _readings(runtime: Runtime, model: ReadModel, after: int) -> list[Reading]:
    async with runtime.postgres.connection() as connection:
        rows = await connection.execute(model.sql(READ), (after, runtime.epochs[NOTIFICATIONS]))
        return [Reading(*row) for row in await rows.fetchall()]


async def _reached(runtime: Runtime) -> Reached:
    found = await last(runtime.jetstream, NOTIFICATIONS, position(SERVICE, NUMBER))
    if found is None:
        return Reached()
    message = msgspec.json.decode(found.data, type=PositionMessage)
    if message.epoch != runtime.epochs[NOTIFICATIONS]:
        raise LogLost(
            f"what was read is stated up to {message.sequence} of another NOTIFICATIONS (epoch {message.epoch})"
        )
    return Reached(message.sequence, found.sequence)


async def _reach(runtime: Runtime, appender: Appender, before: Reached, mark: int) -> Reached:
    """Write down how far we came; if another one did meanwhile, go on from there: what is stated twice counts once."""
    subject = position(SERVICE, NUMBER)
    message = PositionMessage(sequence=mark, epoch=runtime.epochs[NOTIFICATIONS])
    try:
        own = Draft(subject, encode(message), headers=NEVER)
        return Reached(
            mark, await appender.append_expecting(own, Expected(subject, before.sequence))
        )
    except WrongSequence:
        return await _reached(runtime)
