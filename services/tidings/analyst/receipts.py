"""Receipts for analysts: who was notified of an event, which device has it, who read it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tidings.contracts.codec import decode_recorded_event, instant
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.ids import event_key
from tidings.contracts.notifications import SENT_DEVICE
from tidings.contracts.subjects import EVENTS
from tidings.projections.audience.queries import SEQUENCE_OF_EVENT
from tidings.projections.dedup import digest
from tidings.projections.receipts.queries import DELIVERIES_OF_EVENT, body_pattern
from tidings.runtime.errors import Permanent
from tidings.runtime.log.read import read
from tidings.runtime.process import Runtime


class NoSuchEvent(Permanent):
    """The log has no such event."""


class Confirmation(NamedTuple):
    """A notified user: when; the first device that had it, and when; when it was seen and read."""

    user: str
    told: datetime
    delivered: datetime | None
    device: str | None
    seen: datetime | None
    read: datetime | None


async def find_receipts(runtime: Runtime, name: str) -> list[Confirmation]:
    """Return who was notified of an event.

    `name` is its sequence in `EVENTS` or `<tenant>/<source>/<id>`. Raises NoSuchEvent or
    Unavailable.
    """
    event = await _event(runtime, name)
    about = {
        "tenant": event.tenant,
        "created": instant(event.time_nanoseconds),
        "body": body_pattern(event.sequence),
        "sent": SENT_DEVICE,
    }
    async with runtime.postgres.connection() as connection:
        return [
            Confirmation(*row)
            for row in await (await connection.execute(DELIVERIES_OF_EVENT, about)).fetchall()
        ]


async def _event(runtime: Runtime, name: str) -> AnyRecordedEvent:
    sequence = int(name) if name.isascii() and name.isdecimal() else await _sequence(runtime, name)
    messages = (
        await read(runtime.jetstream, EVENTS, "events.>", after=sequence - 1, limit=1)
        if sequence
        else []
    )
    if not messages or messages[0].sequence != sequence:
        raise NoSuchEvent(
            f"there is no event {name}; give its number in `tidings events tail`,"
            " or <tenant>/<source>/<id>"
        )
    return decode_recorded_event(messages[0].data, sequence, messages[0].time_nanoseconds)


async def _sequence(runtime: Runtime, name: str) -> int:
    """Return the sequence of the event with a key, 0 without one."""
    tenant, _, rest = name.partition("/")
    source, _, identifier = rest.rpartition("/")
    async with runtime.postgres.connection() as connection:
        row = await (
            await connection.execute(
                SEQUENCE_OF_EVENT, (digest(event_key(tenant, source, identifier)),)
            )
        ).fetchone()
    return row[0] if row else 0
