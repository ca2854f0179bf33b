"""Sent positions: up to where a user has been sent everything, on any connection of any edge."""

from __future__ import annotations

from tidings.contracts.codec import decode_delivery_receipt
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import SENT_DEVICE
from tidings.contracts.subjects import NOTIFICATIONS, Person
from tidings.edge.delivery.ack_writer import AckWriter
from tidings.edge.delivery.batcher import Batcher
from tidings.projections.receipts.queries import LAST_SENT
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.read import read
from tidings.runtime.process import Runtime


class SentPositions:
    """Finds the position of a user from their receipts: in Postgres, in the log, and of this edge.

    An ack of any device counts like a record of what was sent.
    """

    def __init__(self, runtime: Runtime, acks: AckWriter, epoch: str) -> None:
        self._jetstream = runtime.jetstream
        self._postgres = runtime.postgres
        self._subjects = runtime.settings.subjects
        self._acks = acks
        self._epoch = epoch
        self._batcher: Batcher[Person, tuple[int, int]] = Batcher(self._query)

    async def sequence_of(self, person: Person) -> int:
        """Return the sequence up to which a user was sent everything, 0 if nothing.

        Raises Unavailable.
        """
        try:
            checkpoint, reached = await self._batcher.submit(person)
        except Unavailable:
            checkpoint, reached = 0, 0  # then the log alone is searched
        return max(
            reached,
            self._acks.acknowledged_sequence(person, SENT_DEVICE),
            await self._unprojected_sequence(person, checkpoint),
        )

    async def _query(self, people: list[Person]) -> list[tuple[int, int]]:
        tenants, users = [person.tenant for person in people], [person.user for person in people]
        async with self._postgres.connection() as connection:
            rows = await (
                await connection.execute(LAST_SENT.encode(), (self._epoch, tenants, users))
            ).fetchall()
        return [(checkpoint or 0, reached or 0) for checkpoint, reached in rows]

    async def _unprojected_sequence(self, person: Person, after: int) -> int:
        """Return the highest sequence of receipts that are not projected yet, 0 without one."""
        subject, reached = self._subjects.receipt_subject(person), 0
        while messages := await read(
            self._jetstream, NOTIFICATIONS, subject, after=after, leader_ends=True
        ):
            reached = max(reached, *map(self._sequence_in, messages))
            after = messages[-1].sequence
        return reached

    def _sequence_in(self, message: StreamMessage) -> int:
        cursor = Cursor.parse(decode_delivery_receipt(message.data).cursor)
        return cursor.sequence if cursor.epoch == self._epoch else 0
