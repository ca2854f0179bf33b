"""Receipts for analysts: who was notified of an event, which device has it, who read it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from tidings.contracts.codec import InvalidEvent, decode_recorded_event, instant
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

SEQUENCE_LIMIT_DIGITS = 18
SLASHES_LIMIT = 8


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
    is_number = name.isascii() and name.isdecimal() and len(name) <= SEQUENCE_LIMIT_DIGITS
    sequence = int(name) if is_number else await _sequence(runtime, name)
    messages = (
        await read(runtime.jetstream, EVENTS, "events.>", after=sequence - 1, limit=1)
        if sequence
        else []
    )
    if not messages or messages[0].sequence != sequence:
        raise NoSuchEvent(
            f"there is no event {name}; give its number in `tidings events tail`, or its tenant,"
            " source and id, such as demo/my-service/42 for the source /my-service"
        )
    message = messages[0]
    try:
        return decode_recorded_event(
            message.data, sequence, message.time_nanoseconds, message.subject
        )
    except InvalidEvent as error:
        raise NoSuchEvent(f"the message {sequence} of the log is not an event: {error}") from None


async def _sequence(runtime: Runtime, name: str) -> int:
    """Return the sequence of the event with a tenant, a source and an id, 0 without one."""
    async with runtime.postgres.connection() as connection:
        for key in possible_keys(name):
            row = await (await connection.execute(SEQUENCE_OF_EVENT, (digest(key),))).fetchone()
            if row:
                return row[0]
    return 0


def possible_keys(name: str) -> Iterator[str]:
    """Yield the keys that `<tenant>/<source>/<id>` may mean, the likeliest first.

    Sources mostly begin with a slash, which need not be repeated; ids may have slashes too.
    """
    tenant, _, rest = name.partition("/")
    slashes = [place for place, character in enumerate(rest) if character == "/"]
    for place in reversed(slashes[-SLASHES_LIMIT:]):
        source, identifier = rest[:place], rest[place + 1 :]
        if identifier:
            yield event_key(tenant, f"/{source}", identifier)
            yield event_key(tenant, source, identifier)
