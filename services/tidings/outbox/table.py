"""The table: what waits in a service's Postgres, and which of it is under way; led by one relay at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, NamedTuple

import psycopg
from tidings.client.outbox import SCHEMA_FILE
from tidings.contracts.draft import BATCH_LIMIT_MESSAGES
from tidings.runtime.errors import InvalidSettings, Unavailable
from tidings.runtime.follow import StreamState

CONNECT_SECONDS = 5
POLL_SECONDS = 1.0
TAKEOVER_SECONDS = 0.5
BATCH_LIMIT_BYTES = 4 * 1024 * 1024
OPTIONS = "-c statement_timeout=30s -c timezone=UTC -c application_name=tidings-outbox"

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

LEAD: LiteralString = "SELECT pg_try_advisory_lock(hashtext('tidings'), hashtext('outbox'))"
DONE: LiteralString = "DELETE FROM tidings_outbox.waiting WHERE position = ANY(%s)"
REFUSE: LiteralString = """
WITH gone AS (DELETE FROM tidings_outbox.waiting WHERE position = ANY(%(positions)s) RETURNING position, event)
INSERT INTO tidings_outbox.refused (position, event, reason)
SELECT position, event, reason
FROM gone JOIN unnest(%(positions)s::bigint[], %(reasons)s::text[]) AS why (position, reason) USING (position)
"""
NEXT: LiteralString = """
SELECT position, event FROM (
    SELECT position, event, sum(octet_length(event)) OVER (ORDER BY position) - octet_length(event) AS before
    FROM (SELECT position, event FROM tidings_outbox.waiting ORDER BY position LIMIT %s) AS first
) AS measured WHERE before < %s ORDER BY position
"""
SEND: LiteralString = """
INSERT INTO tidings_outbox.underway (epoch, after, positions) VALUES (%s, %s, %s)
ON CONFLICT (single) DO UPDATE SET epoch = EXCLUDED.epoch, after = EXCLUDED.after, positions = EXCLUDED.positions
"""
UNDERWAY: LiteralString = """
SELECT underway.epoch, underway.after, waiting.position, waiting.event
FROM tidings_outbox.underway JOIN tidings_outbox.waiting ON waiting.position = ANY(underway.positions) ORDER BY waiting.position
"""
AGAIN: LiteralString = """
WITH gone AS (DELETE FROM tidings_outbox.refused RETURNING position, event)
INSERT INTO tidings_outbox.waiting (event) SELECT event FROM gone ORDER BY position
"""


class Waiting(NamedTuple):
    """An event on its way, as the service wrote it."""

    position: int
    event: str


class Underway(NamedTuple):
    """What was sent last and is not known to be stored: if it is, then after this place of the log."""

    place: StreamState
    events: tuple[Waiting, ...]


class Table:
    """The outbox of one service, while we lead it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listening = False

    async def underway(self) -> Underway | None:
        """What was sent last and still waits."""
        rows = await (await self._connection.execute(UNDERWAY)).fetchall()
        if not rows:
            return None
        return Underway(StreamState(*rows[0][:2]), tuple(Waiting(*row[2:]) for row in rows))

    async def next(
        self, done: Sequence[int], refused: Mapping[int, str], place: StreamState
    ) -> list[Waiting]:
        """Take off what is stored, set aside what is refused, and say what is sent now, all in one transaction.

        Every transaction that had committed before another one called `emit` is seen by whatever sees that other one, and its
        positions are lower: so what comes first here, and goes out first, is never something that knew of what comes later.
        """
        async with self._connection.pipeline(), self._connection.transaction():
            if done:
                await self._connection.execute(DONE, (list(done),))
            if refused:
                await self._connection.execute(
                    REFUSE, {"positions": list(refused), "reasons": list(refused.values())}
                )
            rows = await (
                await self._connection.execute(NEXT, (BATCH_LIMIT_MESSAGES, BATCH_LIMIT_BYTES))
            ).fetchall()
            if rows:
                await self._connection.execute(
                    SEND, (place.epoch, place.last, [row[0] for row in rows])
                )
        return [Waiting(*row) for row in rows]

    async def listen(self, wanted: bool) -> bool:
        """Be told when something is written, or not (nobody reads what is told while there is work); whether that changed anything."""
        if wanted == self._listening:
            return False
        await self._connection.execute(
            "LISTEN tidings_outbox" if wanted else "UNLISTEN tidings_outbox"
        )
        self._listening = wanted
        return True

    async def wait(self) -> None:
        """Until something may have been written; a second at most."""
        async for _ in self._connection.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass


@asynccontextmanager
async def connected(dsn: str) -> AsyncGenerator[Connection]:
    """A connection in autocommit mode; raises Unavailable, or InvalidSettings if there is no outbox in that database."""
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
            yield connection
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        raise InvalidSettings(
            "there is no outbox in that database; make it with `tidings outbox --install`"
        ) from None
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Unavailable(
            f"the outbox's Postgres: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        ) from None
    except psycopg.ProgrammingError as error:
        raise InvalidSettings(
            f"the outbox's Postgres: {(str(error).splitlines() or [''])[0]}"
        ) from None


@asynccontextmanager
async def led(dsn: str) -> AsyncGenerator[Table]:
    """The table, once no other relay leads it; the lead ends with the connection."""
    async with connected(dsn) as connection:
        while not await _answer(connection, LEAD):  # noqa: ASYNC110  the other one is another process
            await asyncio.sleep(TAKEOVER_SECONDS)
        yield Table(connection)


async def make(dsn: str) -> None:
    """Make the outbox's tables, or leave them as they are."""
    async with connected(dsn) as connection:
        await connection.execute(SCHEMA_FILE.read_bytes())


async def again(dsn: str) -> int:
    """Have what was refused tried once more, behind what waits; how many events that are."""
    async with connected(dsn) as connection:
        return (await connection.execute(AGAIN)).rowcount


async def _answer(connection: Connection, question: LiteralString) -> Any:
    row = await (await connection.execute(question)).fetchone()
    return row[0] if row else None
