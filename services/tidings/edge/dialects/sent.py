"""Sent: up to where a person has been sent everything, on whatever connection of whatever edge, by their receipts in the log."""

from __future__ import annotations

from tidings.contracts.codec import decode_delivered
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import SENT
from tidings.contracts.subjects import NOTIFICATIONS, Person, receipt
from tidings.edge.edge import Edge
from tidings.edge.gather import Gather
from tidings.runtime.errors import Unavailable
from tidings.runtime.follow import Message
from tidings.runtime.read import read

REACHED = """
SELECT (SELECT sequence FROM receipts.checkpoint WHERE epoch = %s), (
    SELECT max(cursor) FROM receipts.receipt r WHERE r.tenant = p.tenant AND r.user_id = p.user_id
)
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS p (tenant, user_id, place) ORDER BY p.place
"""


class Sent:
    """What a device has acknowledged counts as much as what was sent to it."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._gather: Gather[Person, tuple[int, int]] = Gather(self._rows)

    async def up_to(self, person: Person) -> int:
        """The sequence; 0 if they have been sent nothing yet. Raises Unavailable."""
        try:
            checkpoint, reached = await self._gather.ask(person)
        except Unavailable:
            checkpoint, reached = 0, 0  # then the log alone says it
        return max(
            reached, self._edge.acks.known(person, SENT), await self._tail(person, checkpoint)
        )

    async def _rows(self, people: list[Person]) -> list[tuple[int, int]]:
        tenants, users = [person.tenant for person in people], [person.user for person in people]
        async with self._edge.runtime.postgres.connection() as connection:
            rows = await (
                await connection.execute(REACHED.encode(), (self._edge.log.epoch, tenants, users))
            ).fetchall()
        return [(checkpoint or 0, reached or 0) for checkpoint, reached in rows]

    async def _tail(self, person: Person, after: int) -> int:
        """What the rows do not have yet."""
        subject, reached = receipt(person, self._edge.settings.partitions), 0
        while page := await read(self._edge.runtime.jetstream, NOTIFICATIONS, subject, after=after):
            reached = max(reached, *map(self._sequence, page))
            after = page[-1].sequence
        return reached

    def _sequence(self, message: Message) -> int:
        cursor = Cursor.parse(decode_delivered(message.data).cursor)
        return cursor.sequence if cursor.epoch == self._edge.log.epoch else 0
