"""The settings of a Postgres session, and of each transaction where a pooler shares sessions.

Nothing is set in the connection's startup packet, which PgBouncer refuses.
"""

from __future__ import annotations

from typing import Any

import psycopg

PostgresConnection = psycopg.AsyncConnection[tuple[Any, ...]]

STATEMENT_TIMEOUT_SECONDS = 60
IDLE_TRANSACTION_TIMEOUT_SECONDS = 15
"""A process that is suspended within a transaction keeps its locks; its successor needs them."""
SETTINGS = (
    ("synchronous_commit", "off"),
    ("timezone", "UTC"),
    ("statement_timeout", f"{STATEMENT_TIMEOUT_SECONDS}s"),
    ("idle_in_transaction_session_timeout", f"{IDLE_TRANSACTION_TIMEOUT_SECONDS}s"),
    ("max_parallel_workers_per_gather", "0"),
)
"""No commit waits for the disk, since read models can be rebuilt. In UTC a day has 24 hours.

A query of a request or a batch never starts processes of its own.
"""
SESSION = "; ".join(f"SET {name} = '{value}'" for name, value in SETTINGS).encode()
TRANSACTION = [f"SET LOCAL {name} = '{value}'".encode() for name, value in SETTINGS]


async def configure_session(connection: PostgresConnection) -> None:
    """Set up a new connection: the session if it is its own, else nothing that outlives it.

    A pooler such as PgBouncer lends the session of another connection for a transaction: there
    are no prepared statements then, and `set_up_transaction` has the settings.
    """
    if await is_pooled(connection):
        connection.prepare_threshold = None
    else:
        await connection.execute(SESSION)


async def set_up_transaction(connection: PostgresConnection) -> None:
    """Set what `configure_session` left to each transaction."""
    if shares_sessions(connection):
        for setting in TRANSACTION:
            await connection.execute(setting)


def shares_sessions(connection: PostgresConnection) -> bool:
    """Return whether a configured connection is a pooler's."""
    return connection.prepare_threshold is None


async def is_pooled(connection: PostgresConnection) -> bool:
    """Return whether something answers for Postgres: its process is not the one of the greeting."""
    cursor = await connection.execute("SELECT pg_backend_pid()", prepare=False)
    row = await cursor.fetchone()
    return row != (connection.info.backend_pid,)
