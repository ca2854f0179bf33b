"""Folding a log into rows as the projector does, and looking at the rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tidings.projections.projection import Message
from tidings.runtime.postgres import Connection, Postgres
from tidings.runtime.readmodel import WHOLE, ReadModel

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"


@asynccontextmanager
async def undone(postgres: Postgres) -> AsyncIterator[Connection]:
    """A transaction whose rows are gone after the block."""
    async with postgres.connection() as connection, connection.transaction(force_rollback=True):
        yield connection


async def fold(
    connection: Connection,
    model: ReadModel,
    cut: Iterable[Sequence[Message]],
    partition: int = WHOLE,
) -> int:
    """Apply batch after batch from the beginning on, each with the checkpoint; returns where that is in the end."""
    at = 0
    for batch in cut:
        changes = (change for message in batch for change in model.projection.evolve(message))
        await model.apply(connection, model.prepare(changes), at, batch[-1].sequence, partition)
        at = batch[-1].sequence
    return at


async def rows(connection: Connection, schema: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables of a read model, the checkpoint among them."""
    tables = [name for (name,) in await (await connection.execute(TABLES, (schema,))).fetchall()]
    return {name: await _rows(connection, f"{schema}.{name}") for name in tables}


async def _rows(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    return sorted(
        await (await connection.execute(f"SELECT * FROM {table}".encode())).fetchall(), key=repr
    )
