"""Read models: the tables of one version of a projection, and its checkpoint."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from tidings.projections.projection import Change, Projection, steps
from tidings.runtime.errors import LogLost, Permanent
from tidings.runtime.readmodels.postgres import Postgres, PostgresConnection

LOCK_KEY = 0x7469_6469
UNPARTITIONED = 0
"""The partition number of a read model that is not partitioned."""

CREATE_REGISTRY = """
CREATE SCHEMA IF NOT EXISTS tidings;
CREATE TABLE IF NOT EXISTS tidings.read_model (
    schema text PRIMARY KEY,
    name text NOT NULL,
    version integer NOT NULL,
    live boolean NOT NULL DEFAULT false,
    created timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS one_live_read_model ON tidings.read_model (name) WHERE live;
"""

CREATE_CHECKPOINT = """
CREATE SCHEMA {schema};
CREATE TABLE {schema}.checkpoint (
    partition integer PRIMARY KEY, sequence bigint NOT NULL, epoch text NOT NULL
);
"""

MOVE_CHECKPOINT = """
WITH moved AS (
    UPDATE {schema}.checkpoint SET sequence = %s WHERE partition = %s AND sequence = %s RETURNING 1
)
SELECT 1 / count(*) FROM moved
"""
"""Moves the checkpoint from its previous sequence.

If another process has moved it, the division by zero aborts the transaction. A check of the row
count in Python would come too late: in a pipeline the statements after it are already on their way.
"""

LIVE_MODEL = "SELECT schema, version FROM tidings.read_model WHERE name = %s AND live"


class Checkpoint(NamedTuple):
    """The last applied sequence of a partition of the stream, and the stream's epoch."""

    sequence: int
    epoch: str


class Execution(NamedTuple):
    """A statement of a read model and the JSON of its rows."""

    sql: bytes
    rows: str


class ReadModel:
    """One version of a projection in its own schema."""

    def __init__(self, projection: Projection, schema: str) -> None:
        self.projection = projection
        self.schema = schema
        self._sql: dict[str, bytes] = {}

    def sql(self, text: str) -> bytes:
        """Return a statement for this schema; `{schema}` is replaced, the result cached."""
        if text not in self._sql:
            self._sql[text] = text.replace("{schema}", self.schema).encode()
        return self._sql[text]

    async def checkpoint(
        self, postgres: Postgres, epoch: str, partition: int = UNPARTITIONED
    ) -> Checkpoint:
        """Return the checkpoint, created if absent; raises LogLost if the epoch is another one."""
        async with postgres.connection() as connection:
            insert = "INSERT INTO {schema}.checkpoint VALUES (%s, 0, %s) ON CONFLICT DO NOTHING"
            await connection.execute(self.sql(insert), (partition, epoch))
            query = "SELECT sequence, epoch FROM {schema}.checkpoint WHERE partition = %s"
            row = await (await connection.execute(self.sql(query), (partition,))).fetchone()
        checkpoint = Checkpoint(*row) if row else Checkpoint(0, epoch)
        if checkpoint.epoch != epoch:
            raise LogLost(rows_of_other_log(self.projection, checkpoint.epoch, epoch))
        return checkpoint

    def prepare_changes(self, changes: Iterable[Change]) -> list[Execution]:
        """Return the statements of changes, without executing them."""
        return [
            Execution(self.sql(statement.sql), _rows_json(rows))
            for statement, rows in steps(changes)
        ]

    async def apply_changes(
        self,
        connection: PostgresConnection,
        executions: Iterable[Execution],
        previous: int,
        sequence: int,
        partition: int = UNPARTITIONED,
    ) -> None:
        """Move the checkpoint and execute, in the caller's transaction; that raises Fenced."""
        await connection.execute(self.sql(MOVE_CHECKPOINT), (sequence, partition, previous))
        for sql, rows in executions:
            await connection.execute(sql, (rows,))


def version_mismatch(projection: Projection, schema: str, version: int) -> str:
    """Return what to do about a live read model of another version."""
    if version > projection.version:
        return (
            f"{schema} is live, but this is version {projection.version}: a newer Tidings has"
            " upgraded it; update this process"
        )
    return (
        f"{schema} is live, but this is version {projection.version};"
        f" run: tidings rebuild {projection.name}"
    )


def rows_of_other_log(projection: Projection, made_from: str, epoch: str) -> str:
    """Return what to do about rows of a stream that is gone."""
    return (
        f"read model {projection.name} was built from epoch {made_from} of {projection.stream};"
        f" now it is epoch {epoch}. Restore the stream, or rebuild the read model:"
        f" tidings rebuild {projection.name}"
    )


def rows_beyond_log(projection: Projection, sequence: int, last: int) -> str:
    """Return what to do about rows that are newer than the stream they come from."""
    return (
        f"read model {projection.name} has rows up to {sequence} of {projection.stream}, which"
        f" ends at {last}: an older copy of it was restored, or it lost its tail. Restore the"
        f" newer copy, or make the rows anew from this one: tidings rebuild {projection.name}"
    )


class ModelVersionMismatch(Permanent):
    """The live read model belongs to another version of its projection."""


async def create_registry(connection: PostgresConnection) -> None:
    """Create the table of read models if absent, and lock it until the transaction ends.

    `IF NOT EXISTS` alone fails when two processes create it at the same time.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
    await connection.execute(CREATE_REGISTRY)


async def live_model(
    postgres: Postgres, projection: Projection, *, of_any_version: bool = False
) -> ReadModel:
    """Return the live read model, created if there is none; raises ModelVersionMismatch."""
    async with postgres.connection() as connection, connection.transaction():
        await create_registry(connection)
        row = await (await connection.execute(LIVE_MODEL, (projection.name,))).fetchone()
        if row and row[1] != projection.version and not of_any_version:
            raise ModelVersionMismatch(version_mismatch(projection, *row))
        if row:
            return ReadModel(projection, row[0])
        model = await _create_schema(connection, projection)
        await _go_live(connection, model)
        return model


async def create_model(postgres: Postgres, projection: Projection) -> ReadModel:
    """Create an empty read model beside the live one; drop what an earlier attempt left."""
    async with postgres.connection() as connection, connection.transaction():
        await create_registry(connection)
        query = "SELECT schema FROM tidings.read_model WHERE name = %s AND NOT live"
        for (schema,) in await (await connection.execute(query, (projection.name,))).fetchall():
            await _drop_schema(connection, schema)
        return await _create_schema(connection, projection)


async def make_live(postgres: Postgres, model: ReadModel) -> None:
    """Make a read model the live one and drop the previous one, in one transaction."""
    async with postgres.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
        query = "SELECT schema FROM tidings.read_model WHERE name = %s AND live"
        before = await (await connection.execute(query, (model.projection.name,))).fetchall()
        # Readers and writers lock the checkpoint first. So must this and `_drop_schema`, or they
        # could deadlock.
        await connection.execute(f"DROP VIEW IF EXISTS {model.projection.name}.checkpoint".encode())
        await connection.execute(f"DROP SCHEMA IF EXISTS {model.projection.name} CASCADE".encode())
        for (schema,) in before:
            await _drop_schema(connection, schema)
        await _go_live(connection, model)


async def _create_schema(connection: PostgresConnection, projection: Projection) -> ReadModel:
    query = "SELECT count(*) FROM tidings.read_model WHERE name = %s AND version = %s"
    row = await (await connection.execute(query, (projection.name, projection.version))).fetchone()
    name = f"{projection.name}_v{projection.version}"
    model = ReadModel(
        projection, await _free_schema_name(connection, name) if row and row[0] else name
    )
    await connection.execute(model.sql(CREATE_CHECKPOINT + projection.schema))
    insert = "INSERT INTO tidings.read_model (schema, name, version) VALUES (%s, %s, %s)"
    await connection.execute(insert, (model.schema, projection.name, projection.version))
    return model


async def _free_schema_name(connection: PostgresConnection, name: str) -> str:
    query = "SELECT schema FROM tidings.read_model WHERE schema = ANY (%s)"
    names = [name, f"{name}_rebuilt"]
    taken_names = {
        schema for (schema,) in await (await connection.execute(query, (names,))).fetchall()
    }
    return next(name for name in names if name not in taken_names)


async def _go_live(connection: PostgresConnection, model: ReadModel) -> None:
    await connection.execute(
        "UPDATE tidings.read_model SET live = true WHERE schema = %s", (model.schema,)
    )
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {model.projection.name}".encode())
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
    for (table,) in await (await connection.execute(query, (model.schema,))).fetchall():
        view = f"{model.projection.name}.{table}"
        statement = f"CREATE VIEW {view} AS SELECT * FROM {model.schema}.{table}"
        await connection.execute(statement.encode())


async def _drop_schema(connection: PostgresConnection, schema: str) -> None:
    await connection.execute(f"DROP TABLE IF EXISTS {schema}.checkpoint CASCADE".encode())
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
    await connection.execute("DELETE FROM tidings.read_model WHERE schema = %s", (schema,))


def _rows_json(rows: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
