"""Receipts for analysts: who was told of an event, which device had it when, and whether it was seen and read."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tidings.contracts.codec import instant, recorded
from tidings.contracts.events import AnyRecorded
from tidings.contracts.ids import event_key
from tidings.contracts.notifications import SENT
from tidings.contracts.subjects import EVENTS
from tidings.projections.seen import digest
from tidings.runtime.errors import Permanent
from tidings.runtime.process import Runtime
from tidings.runtime.read import read

SEEN = "SELECT sequence FROM audience.seen WHERE event = %s"
TOLD = """
SELECT n.user_id, n.appended, d.at, d.device, n.seen, n.read
FROM inbox.notification n LEFT JOIN LATERAL (
    SELECT at, device FROM receipts.receipt r
    WHERE r.tenant = n.tenant AND r.user_id = n.user_id AND r.cursor >= n.sequence
      AND r.device <> %(sent)s ORDER BY at, device LIMIT 1
) d ON true
WHERE n.tenant = %(tenant)s AND n.created = %(created)s AND n.appended >= %(created)s AND n.body LIKE %(body)s
ORDER BY n.user_id
"""
BODY = '{"entry":"notification","id":"' + "_" * 36 + '","event":'
"""How the body of a notification begins, as `LIKE` sees it, up to the sequence of its event."""


class NoSuchEvent(Permanent):
    """There is no such event in the log."""


class Confirmation(NamedTuple):
    """One person that was told: when; when the first device had it, and which; when it was seen and read."""

    user: str
    told: datetime
    delivered: datetime | None
    device: str | None
    seen: datetime | None
    read: datetime | None


async def receipts(runtime: Runtime, named: str) -> list[Confirmation]:
    """Who was told of an event, named by its sequence in `EVENTS` or as `<tenant>/<source>/<id>`; raises NoSuchEvent or Unavailable."""
    event = await _event(runtime, named)
    about = {
        "tenant": event.tenant,
        "created": instant(event.time_nanoseconds),
        "body": f"{BODY}{event.sequence},%",
        "sent": SENT,
    }
    async with runtime.postgres.connection() as connection:
        return [
            Confirmation(*row) for row in await (await connection.execute(TOLD, about)).fetchall()
        ]


async def _event(runtime: Runtime, named: str) -> AnyRecorded:
    sequence = (
        int(named) if named.isascii() and named.isdecimal() else await _sequence(runtime, named)
    )
    found = (
        await read(runtime.jetstream, EVENTS, "events.>", after=sequence - 1, limit=1)
        if sequence
        else []
    )
    if not found or found[0].sequence != sequence:
        raise NoSuchEvent(
            f"there is no event {named}; name it by its number in `tidings events tail`, or as <tenant>/<source>/<id>"
        )
    return recorded(found[0].data, sequence, found[0].time_nanoseconds)


async def _sequence(runtime: Runtime, named: str) -> int:
    """Where the event of a key lies, 0 if nowhere."""
    tenant, _, rest = named.partition("/")
    source, _, identifier = rest.rpartition("/")
    async with runtime.postgres.connection() as connection:
        row = await (
            await connection.execute(SEEN, (digest(event_key(tenant, source, identifier)),))
        ).fetchone()
    return row[0] if row else 0
