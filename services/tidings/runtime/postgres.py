"""Postgres: a bounded pool of connections whose failures have our names; the only importer of psycopg_pool."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests
from tidings.runtime.cancellation import heed
from tidings.runtime.errors import Fenced, Unavailable

CONNECTION_SECONDS = 5.0
AWAY_SECONDS = 0.25
"""How long to wait for a connection when the last wait was in vain."""
WAITING_LIMIT = 1000
STATEMENT_SECONDS = 60
TIMEOUTS = f"-c statement_timeout={STATEMENT_SECONDS}s -c idle_in_transaction_session_timeout={STATEMENT_SECONDS}s"
OPTIONS = f"-c synchronous_commit=off -c timezone=UTC {TIMEOUTS}"
"""Everything in Postgres can be derived from the streams again, so no commit waits for the disk. In UTC, every day has 24 hours."""

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
    psycopg.errors.UndefinedTable,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
)

logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class Postgres:
    """The pool. Opened by `open_postgres`; connecting happens in the background and is tried again without end."""

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self._pool = pool
        self._patience = CONNECTION_SECONDS

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection in autocommit mode; raises Unavailable whenever Postgres cannot do what was asked for now."""
        try:
            async with self._pool.connection(timeout=self._patience) as connection:
                self._patience = CONNECTION_SECONDS
                yield connection
        except psycopg.errors.DivisionByZero:
            raise Fenced("another process moves this read model on") from None
        except PoolTimeout:
            self._patience = AWAY_SECONDS
            raise Unavailable("Postgres cannot be reached") from None
        except AWAY as error:
            raise Unavailable(
                f"Postgres: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            ) from None
        heed()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A transaction whose statements travel together (pipeline mode); raises Unavailable, or Fenced by a read model's checkpoint."""
        async with self.connection() as connection:
            try:
                async with connection.pipeline(), connection.transaction():
                    yield connection
            finally:
                if (
                    connection.pgconn.pipeline_status
                ):  # cancelled on its way out: the next one must not get what this one asked for
                    await connection.close()

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Connection]:
        """A connection whose queries all see one moment (REPEATABLE READ, read only)."""
        async with self.connection() as connection, connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection


@asynccontextmanager
async def open_postgres(dsn: str, name: str, connections: int) -> AsyncGenerator[Postgres]:
    """Open a pool of up to `connections`; does not wait for Postgres to be there."""
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        dsn,
        connection_class=psycopg.AsyncConnection[tuple[Any, ...]],
        min_size=1,
        max_size=connections,
        timeout=CONNECTION_SECONDS,
        max_waiting=WAITING_LIMIT,
        reconnect_timeout=CONNECTION_SECONDS,  # then the next use tries at once; the pool's own pauses double without end
        kwargs={
            "autocommit": True,
            "options": OPTIONS,
            "application_name": f"tidings-{name}",
            "connect_timeout": 5,
        },
        open=False,
    )
    await pool.open(wait=False)
    try:
        yield Postgres(pool)
    finally:
        with suppress(psycopg.Error):
            await pool.close(timeout=CONNECTION_SECONDS)
