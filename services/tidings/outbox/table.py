"""The outbox table: waiting events and those in flight; led by one relay at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, NamedTuple

import psycopg
from tidings.client.outbox import SCHEMA_FILE
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES
from tidings.runtime.errors import InvalidSettings, Unavailable
from tidings.runtime.log.state import StreamState
from tidings.runtime.readmodels.connect_failure import connect_failure
from tidings.runtime.readmodels.session import is_pooled

CONNECT_SECONDS = 5
POLL_SECONDS = 1.0
TAKEOVER_SECONDS = 0.5
COUNT_LIMIT = 100_000
BATCH_LIMIT_BYTES = 4 * 1024 * 1024
OPTIONS = "-c statement_timeout=30s -c timezone=UTC -c application_name=tidings-outbox"
POOLED = (
    "the outbox needs Postgres itself, not a pooler: it is notified and leads by a lock, which last"
    " as long as a session of its own; set TIDINGS_OUTBOX_DSN to the address of the server"
)

OutboxConnection = psycopg.AsyncConnection[tuple[Any, ...]]

TRY_TO_LEAD: LiteralString = "SELECT pg_try_advisory_lock(hashtext('tidings'), hashtext('outbox'))"
DELETE_STORED: LiteralString = "DELETE FROM tidings_outbox.waiting WHERE position = ANY(%s)"
SET_ASIDE: LiteralString = """
WITH gone AS (
    DELETE FROM tidings_outbox.waiting
    WHERE position = ANY(%(positions)s) RETURNING position, event
)
INSERT INTO tidings_outbox.refused (position, event, reason)
SELECT position, event, reason
FROM gone JOIN unnest(%(positions)s::bigint[], %(reasons)s::text[]) AS why (position, reason)
USING (position)
"""
NEXT_BATCH: LiteralString = """
SELECT position, event FROM (
    SELECT position, event,
        sum(octet_length(event)) OVER (ORDER BY position) - octet_length(event) AS before
    FROM (SELECT position, event FROM tidings_outbox.waiting ORDER BY position LIMIT %s) AS first
) AS measured WHERE before < %s ORDER BY position
"""
RECORD_IN_FLIGHT: LiteralString = """
INSERT INTO tidings_outbox.underway (epoch, after, positions) VALUES (%s, %s, %s)
ON CONFLICT (single) DO UPDATE
SET epoch = EXCLUDED.epoch, after = EXCLUDED.after, positions = EXCLUDED.positions
"""
READ_IN_FLIGHT: LiteralString = """
SELECT underway.epoch, underway.after, waiting.position, waiting.event
FROM tidings_outbox.underway
JOIN tidings_outbox.waiting ON waiting.position = ANY(underway.positions)
ORDER BY waiting.position
"""
COUNT_EVENTS: LiteralString = """
SELECT (SELECT count(*) FROM (SELECT FROM tidings_outbox.waiting LIMIT %s) AS waiting),
    (SELECT count(*) FROM (SELECT FROM tidings_outbox.refused LIMIT %s) AS refused)
"""
RETRY_REFUSED: LiteralString = """
WITH gone AS (DELETE FROM tidings_outbox.refused RETURNING position, event)
INSERT INTO tidings_outbox.waiting (event) SELECT event FROM gone ORDER BY position
"""


class WaitingEvent(NamedTuple):
    """A waiting event, as the service wrote it."""

    position: int
    event: str


class BatchInFlight(NamedTuple):
    """The events that were sent last; if they are stored, then after this sequence of the log."""

    place: StreamState
    events: tuple[WaitingEvent, ...]


class OutboxTable:
    """The outbox of one service, while this process leads it."""

    def __init__(self, connection: OutboxConnection) -> None:
        self._connection = connection
        self._listening = False

    async def read_in_flight(self) -> BatchInFlight | None:
        """Return the events in flight, which still wait."""
        rows = await (await self._connection.execute(READ_IN_FLIGHT)).fetchall()
        if not rows:
            return None
        return BatchInFlight(
            StreamState(*rows[0][:2]), tuple(WaitingEvent(*row[2:]) for row in rows)
        )

    async def next_batch(
        self, stored: Sequence[int], refused: Mapping[int, str], place: StreamState
    ) -> list[WaitingEvent]:
        """Remove the stored events, set the refused ones aside, record those sent now, in one step.

        If transaction A committed before transaction B called `emit`, every reader that sees B also
        sees A, with a lower position: rows go out in causal order.
        """
        async with self._connection.pipeline(), self._connection.transaction():
            if stored:
                await self._connection.execute(DELETE_STORED, (list(stored),))
            if refused:
                await self._connection.execute(
                    SET_ASIDE, {"positions": list(refused), "reasons": list(refused.values())}
                )
            rows = await (
                await self._connection.execute(
                    NEXT_BATCH, (BATCH_LIMIT_MESSAGES, BATCH_LIMIT_BYTES)
                )
            ).fetchall()
            if rows:
                await self._connection.execute(
                    RECORD_IN_FLIGHT, (place.epoch, place.last_sequence, [row[0] for row in rows])
                )
        return [WaitingEvent(*row) for row in rows]

    async def set_listening(self, listening: bool) -> bool:
        """Start or stop listening for writes; return whether that changed anything.

        While there is work, notices would only pile up unread.
        """
        if listening == self._listening:
            return False
        await self._connection.execute(
            "LISTEN tidings_outbox" if listening else "UNLISTEN tidings_outbox"
        )
        self._listening = listening
        return True

    async def wait_for_event(self) -> None:
        """Wait until something may have been written, a second at most."""
        async for _ in self._connection.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass


@asynccontextmanager
async def outbox_connection(dsn: str) -> AsyncGenerator[OutboxConnection]:
    """Connect in autocommit mode; raises Unavailable, or InvalidSettings without an outbox."""
    try:
        connection = await psycopg.AsyncConnection[tuple[Any, ...]].connect(
            dsn,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            options=OPTIONS,
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )
        async with connection:
            if await is_pooled(connection):
                raise InvalidSettings(POOLED)
            yield connection
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        raise InvalidSettings(
            "there is no outbox in that database; make it with `tidings outbox --install`"
        ) from None
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if "startup parameter" in str(error):  # PgBouncer refuses `options`
            raise InvalidSettings(POOLED) from None
        reason = connect_failure(dsn, error)
        raise Unavailable(f"the outbox's Postgres: {type(error).__name__}: {reason}") from None
    except psycopg.ProgrammingError as error:
        raise InvalidSettings(f"the outbox's Postgres: {connect_failure(dsn, error)}") from None


@asynccontextmanager
async def lead_outbox(dsn: str) -> AsyncGenerator[OutboxTable]:
    """Wait until no other relay leads, then yield the table; the lead ends with the connection."""
    async with outbox_connection(dsn) as connection:
        while not await _fetch_value(connection, TRY_TO_LEAD):  # noqa: ASYNC110
            await asyncio.sleep(TAKEOVER_SECONDS)
        yield OutboxTable(connection)


async def create_tables(dsn: str) -> None:
    """Create the outbox's tables, unless they are there."""
    async with outbox_connection(dsn) as connection:
        await connection.execute(SCHEMA_FILE.read_bytes())


async def count_events(dsn: str) -> tuple[int, int]:
    """Return how many events wait and how many are set aside, each up to `COUNT_LIMIT`."""
    async with outbox_connection(dsn) as connection:
        row = await (await connection.execute(COUNT_EVENTS, [COUNT_LIMIT] * 2)).fetchone()
    return (row[0], row[1]) if row else (0, 0)


async def retry_refused(dsn: str) -> int:
    """Queue the refused events again, behind the waiting ones; return how many."""
    async with outbox_connection(dsn) as connection:
        return (await connection.execute(RETRY_REFUSED)).rowcount


async def _fetch_value(connection: OutboxConnection, question: LiteralString) -> Any:
    row = await (await connection.execute(question)).fetchone()
    return row[0] if row else None
