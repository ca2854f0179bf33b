"""Postgres: a bounded connection pool that raises our errors; the only importer of psycopg_pool."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests
from tidings.runtime.cancellation import raise_if_cancelled
from tidings.runtime.errors import Fenced, RowsRefused, Unavailable
from tidings.runtime.metrics.metrics import PostgresMetrics
from tidings.runtime.readmodels.connect_failure import connect_failure
from tidings.runtime.readmodels.session import (
    PostgresConnection,
    configure_session,
    set_up_transaction,
    shares_sessions,
)

CONNECTION_TIMEOUT_SECONDS = 5.0
AWAY_TIMEOUT_SECONDS = 0.25
"""Time to wait for a connection after one timed out: while Postgres is away, fail fast."""
WAITING_LIMIT_REQUESTS = 1000
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
    psycopg.errors.IdleInTransactionSessionTimeout,  # this process was suspended for a while
)
REFUSED_ERRORS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
)
"""Errors that the values of rows cause; another attempt would meet them again."""

logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class ConnectFailures:
    """Why the last attempt to connect failed; the pool itself reports that it waited in vain."""

    def __init__(self) -> None:
        self.reason = ""

    def connection_class(self, dsn: str) -> type[PostgresConnection]:
        """Return a class of connections to an address that records its failures here."""
        failures = self

        class RecordedConnection(psycopg.AsyncConnection[tuple[Any, ...]]):
            @classmethod
            async def connect(cls, *given: Any, **named: Any) -> Any:
                try:
                    connection = await super().connect(*given, **named)
                except psycopg.Error as error:
                    failures.reason = f": {connect_failure(dsn, error)}"
                    raise
                failures.reason = ""
                return connection

        return RecordedConnection


class Postgres:
    """A pool that connects in the background and retries without end; see `open_postgres`."""

    def __init__(
        self,
        pool: AsyncConnectionPool[PostgresConnection],
        metrics: PostgresMetrics,
        failures: ConnectFailures,
    ) -> None:
        self._pool = pool
        self._metrics = metrics
        self._failures = failures
        self._timeout_seconds = CONNECTION_TIMEOUT_SECONDS

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[PostgresConnection]:
        """Yield a connection in autocommit mode; raises Unavailable or Fenced.

        Behind a pooler that lends sessions it is a transaction, which has our settings.
        """
        async with self._borrow() as connection:
            if not shares_sessions(connection):
                yield connection
                return
            async with connection.transaction():
                await set_up_transaction(connection)
                yield connection

    @asynccontextmanager
    async def _borrow(self) -> AsyncGenerator[PostgresConnection]:
        try:
            async with self._pool.connection(timeout=self._timeout_seconds) as connection:
                self._timeout_seconds = CONNECTION_TIMEOUT_SECONDS
                began = time.perf_counter()
                try:
                    yield connection
                finally:
                    self._metrics.query_seconds.observe(time.perf_counter() - began)
        except psycopg.errors.DivisionByZero:  # see MOVE_CHECKPOINT of read_model.py
            raise Fenced(
                "another process owns this read model (its checkpoint moved); this one stops"
            ) from None
        except PoolTimeout:
            self._timeout_seconds = AWAY_TIMEOUT_SECONDS
            self._metrics.errors.inc()
            raise Unavailable(f"Postgres cannot be reached{self._failures.reason}") from None
        except REFUSED_ERRORS as error:
            first_line = str(error).partition("\n")[0]
            raise RowsRefused(f"Postgres: {type(error).__name__}: {first_line}") from None
        except AWAY_ERRORS as error:
            self._metrics.errors.inc()
            first_line = str(error).partition("\n")[0]
            raise Unavailable(f"Postgres: {type(error).__name__}: {first_line}") from None
        raise_if_cancelled()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[PostgresConnection]:
        """Yield a transaction in pipeline mode (one round trip); raises Unavailable or Fenced."""
        async with self._borrow() as connection:
            try:
                async with connection.pipeline(), connection.transaction():
                    await set_up_transaction(connection)
                    yield connection
            finally:
                # A cancellation left the pipeline open: the next user of the connection would
                # receive the results of this one.
                if connection.pgconn.pipeline_status:
                    await connection.close()

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[PostgresConnection]:
        """Yield a connection whose queries see one snapshot (REPEATABLE READ, read only)."""
        async with self._borrow() as connection, connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await set_up_transaction(connection)
            yield connection


@asynccontextmanager
async def open_postgres(
    dsn: str, name: str, connections: int, metrics: PostgresMetrics | None = None
) -> AsyncGenerator[Postgres]:
    """Open a pool of up to `connections`; does not wait for Postgres."""
    failures = ConnectFailures()
    pool: AsyncConnectionPool[PostgresConnection] = AsyncConnectionPool(
        dsn,
        connection_class=failures.connection_class(dsn),
        configure=configure_session,
        min_size=1,
        max_size=connections,
        timeout=CONNECTION_TIMEOUT_SECONDS,
        max_waiting=WAITING_LIMIT_REQUESTS,
        # After that the next use reconnects at once; the pool's own pauses double without end.
        reconnect_timeout=CONNECTION_TIMEOUT_SECONDS,
        kwargs={
            "autocommit": True,
            "application_name": f"tidings-{name}",
            "connect_timeout": 5,
        },
        open=False,
    )
    await pool.open(wait=False)
    try:
        yield Postgres(pool, metrics or PostgresMetrics(), failures)
    finally:
        with suppress(psycopg.Error):
            await pool.close(timeout=CONNECTION_TIMEOUT_SECONDS)
