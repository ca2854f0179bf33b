"""Postgres: a bounded connection pool that raises our errors; the only importer of psycopg_pool."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests
from tidings.runtime.cancellation import raise_if_cancelled
from tidings.runtime.errors import Fenced, Unavailable

CONNECTION_TIMEOUT_SECONDS = 5.0
AWAY_TIMEOUT_SECONDS = 0.25
"""Time to wait for a connection after one timed out: while Postgres is away, fail fast."""
WAITING_LIMIT_REQUESTS = 1000
STATEMENT_TIMEOUT_SECONDS = 60
OPTIONS = (
    "-c synchronous_commit=off -c timezone=UTC"
    f" -c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s"
    f" -c idle_in_transaction_session_timeout={STATEMENT_TIMEOUT_SECONDS}s"
)
"""No commit waits for the disk, since read models can be rebuilt. In UTC a day has 24 hours."""

PostgresConnection = psycopg.AsyncConnection[tuple[Any, ...]]
AWAY_ERRORS = (
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
    """A pool that connects in the background and retries without end; see `open_postgres`."""

    def __init__(self, pool: AsyncConnectionPool[PostgresConnection]) -> None:
        self._pool = pool
        self._timeout_seconds = CONNECTION_TIMEOUT_SECONDS

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[PostgresConnection]:
        """Yield a connection in autocommit mode; raises Unavailable or Fenced."""
        try:
            async with self._pool.connection(timeout=self._timeout_seconds) as connection:
                self._timeout_seconds = CONNECTION_TIMEOUT_SECONDS
                yield connection
        except psycopg.errors.DivisionByZero:  # see MOVE_CHECKPOINT of read_model.py
            raise Fenced(
                "another process owns this read model (its checkpoint moved); this one stops"
            ) from None
        except PoolTimeout:
            self._timeout_seconds = AWAY_TIMEOUT_SECONDS
            raise Unavailable("Postgres cannot be reached") from None
        except AWAY_ERRORS as error:
            first_line = str(error).partition("\n")[0]
            raise Unavailable(f"Postgres: {type(error).__name__}: {first_line}") from None
        raise_if_cancelled()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[PostgresConnection]:
        """Yield a transaction in pipeline mode (one round trip); raises Unavailable or Fenced."""
        async with self.connection() as connection:
            try:
                async with connection.pipeline(), connection.transaction():
                    yield connection
            finally:
                # A cancellation left the pipeline open: the next user of the connection would
                # receive the results of this one.
                if connection.pgconn.pipeline_status:
                    await connection.close()

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[PostgresConnection]:
        """Yield a connection whose queries see one snapshot (REPEATABLE READ, read only)."""
        async with self.connection() as connection, connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection


@asynccontextmanager
async def open_postgres(dsn: str, name: str, connections: int) -> AsyncGenerator[Postgres]:
    """Open a pool of up to `connections`; does not wait for Postgres."""
    pool: AsyncConnectionPool[PostgresConnection] = AsyncConnectionPool(
        dsn,
        connection_class=psycopg.AsyncConnection[tuple[Any, ...]],
        min_size=1,
        max_size=connections,
        timeout=CONNECTION_TIMEOUT_SECONDS,
        max_waiting=WAITING_LIMIT_REQUESTS,
        # After that the next use reconnects at once; the pool's own pauses double without end.
        reconnect_timeout=CONNECTION_TIMEOUT_SECONDS,
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
            await pool.close(timeout=CONNECTION_TIMEOUT_SECONDS)
