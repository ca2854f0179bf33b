"""Apply a log to rows as the projector does, and read the rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tidings.projections.projection import LogMessage
from tidings.runtime.readmodels.postgres import Postgres, PostgresConnection
from tidings.runtime.readmodels.read_model import UNPARTITIONED, ReadModel

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"


@asynccontextmanager
async def roll_back(postgres: Postgres) -> AsyncIterator[PostgresConnection]:
    """Open a transaction that is rolled back at the end of the block."""
    async with postgres.connection() as connection, connection.transaction(force_rollback=True):
        yield connection


async def fold(
    connection: PostgresConnection,
    model: ReadModel,
    cut: Iterable[Sequence[LogMessage]],
    partition: int = UNPARTITIONED,
) -> int:
    """Apply batches in order, each with its checkpoint; return the last checkpoint."""
    at = 0
    for batch in cut:
        changes = (change for message in batch for change in model.projection.changes_of(message))
        await model.apply_changes(
            connection, model.prepare_changes(changes), at, batch[-1].sequence, partition
        )
        at = batch[-1].sequence
    return at


async def read_rows(
    connection: PostgresConnection, schema: str
) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables of a read model, with its checkpoint."""
    tables = [name for (name,) in await (await connection.execute(TABLES, (schema,))).fetchall()]
    return {name: await _rows(connection, f"{schema}.{name}") for name in tables}


async def _rows(connection: PostgresConnection, table: str) -> list[tuple[Any, ...]]:
    return sorted(
        await (await connection.execute(f"SELECT * FROM {table}".encode())).fetchall(), key=repr
    )
