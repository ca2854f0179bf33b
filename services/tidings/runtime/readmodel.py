"""Read models: the tables of a projection's version, its checkpoint, and the transaction that moves both together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from tidings.projections.projection import Change, Projection, steps
from tidings.runtime.errors import LogLost, Permanent
from tidings.runtime.postgres import Connection, Postgres

LOCK = 0x7469_6469
WHOLE = 0
"""The partition number of a read model that is not partitioned."""

REGISTRY = """
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

CHECKPOINT = """
CREATE SCHEMA {schema};
CREATE TABLE {schema}.checkpoint (partition integer PRIMARY KEY, sequence bigint NOT NULL, epoch text NOT NULL);
"""


MOVE = """
WITH moved AS (UPDATE {schema}.checkpoint SET sequence = %s WHERE partition = %s AND sequence = %s RETURNING 1)
SELECT 1 / count(*) FROM moved
"""
"""Moves the checkpoint from where we left it; if it is elsewhere the division by zero aborts the transaction, in a pipeline too."""


class Checkpoint(NamedTuple):
    """How far a read model has come in a partition of its stream, and in which incarnation of it."""

    sequence: int
    epoch: str


class Execution(NamedTuple):
    """A statement of a read model's and the JSON of its rows."""

    sql: bytes
    rows: str


class ReadModel:
    """One version of a projection in its own schema."""

    def __init__(self, projection: Projection, schema: str) -> None:
        self.projection = projection
        self.schema = schema
        self._sql: dict[str, bytes] = {}

    def sql(self, text: str) -> bytes:
        """A statement's text for this schema."""
        if text not in self._sql:
            self._sql[text] = text.replace("{schema}", self.schema).encode()
        return self._sql[text]

    async def checkpoint(
        self, postgres: Postgres, epoch: str, partition: int = WHOLE
    ) -> Checkpoint:
        """Where to go on; raises LogLost if the rows come from another incarnation of the stream."""
        async with postgres.connection() as connection:
            insert = "INSERT INTO {schema}.checkpoint VALUES (%s, 0, %s) ON CONFLICT DO NOTHING"
            await connection.execute(self.sql(insert), (partition, epoch))
            query = "SELECT sequence, epoch FROM {schema}.checkpoint WHERE partition = %s"
            row = await (await connection.execute(self.sql(query), (partition,))).fetchone()
        found = Checkpoint(*row) if row else Checkpoint(0, epoch)
        if found.epoch != epoch:
            raise LogLost(
                f"{self.schema} was built from epoch {found.epoch} of {self.projection.stream}; now it is epoch {epoch}. {self._remedy}"
            )
        return found

    def prepare(self, changes: Iterable[Change]) -> list[Execution]:
        """Changes as what Postgres is asked to execute; pure."""
        return [
            Execution(self.sql(statement.sql), _json(rows)) for statement, rows in steps(changes)
        ]

    async def apply(
        self,
        connection: Connection,
        executions: Iterable[Execution],
        previous: int,
        sequence: int,
        partition: int = WHOLE,
    ) -> None:
        """Move the checkpoint and execute, within the caller's transaction, which fails with Fenced if another one leads."""
        await connection.execute(self.sql(MOVE), (sequence, partition, previous))
        for sql, rows in executions:
            await connection.execute(sql, (rows,))

    @property
    def _remedy(self) -> str:
        return f"Bring the stream back, or build the read model anew: tidings rebuild {self.projection.name}"


class OtherVersion(Permanent):
    """The live read model was built by another version of its projection."""


async def live(
    postgres: Postgres, projection: Projection, *, of_any_version: bool = False
) -> ReadModel:
    """The live read model of a projection; made, if there is none yet. Raises OtherVersion if it is not of this one."""
    async with postgres.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        await connection.execute(REGISTRY)
        query = "SELECT schema, version FROM tidings.read_model WHERE name = %s AND live"
        row = await (await connection.execute(query, (projection.name,))).fetchone()
        if row and row[1] != projection.version and not of_any_version:
            raise OtherVersion(
                f"{row[0]} is live, but this is version {projection.version}; run: tidings rebuild {projection.name}"
            )
        if row:
            return ReadModel(projection, row[0])
        model = await _create(connection, projection)
        await _go_live(connection, model)
        return model


async def build(postgres: Postgres, projection: Projection) -> ReadModel:
    """An empty read model beside the live one; one left over from an earlier attempt is dropped."""
    async with postgres.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        await connection.execute(REGISTRY)
        query = "SELECT schema FROM tidings.read_model WHERE name = %s AND NOT live"
        for (schema,) in await (await connection.execute(query, (projection.name,))).fetchall():
            await _drop(connection, schema)
        return await _create(connection, projection)


async def swap(postgres: Postgres, model: ReadModel) -> None:
    """Make a read model the live one and drop the one before, in one transaction.

    Whoever reads or writes a read model begins with its checkpoint; so does this, or they would wait for each other.
    """
    async with postgres.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        query = "SELECT schema FROM tidings.read_model WHERE name = %s AND live"
        before = await (await connection.execute(query, (model.projection.name,))).fetchall()
        await connection.execute(f"DROP VIEW IF EXISTS {model.projection.name}.checkpoint".encode())
        await connection.execute(f"DROP SCHEMA IF EXISTS {model.projection.name} CASCADE".encode())
        for (schema,) in before:
            await _drop(connection, schema)
        await _go_live(connection, model)


async def _create(connection: Connection, projection: Projection) -> ReadModel:
    taken = "SELECT count(*) FROM tidings.read_model WHERE name = %s AND version = %s"
    row = await (await connection.execute(taken, (projection.name, projection.version))).fetchone()
    name = f"{projection.name}_v{projection.version}"
    model = ReadModel(projection, await _free(connection, name) if row and row[0] else name)
    await connection.execute(model.sql(CHECKPOINT + projection.schema))
    insert = "INSERT INTO tidings.read_model (schema, name, version) VALUES (%s, %s, %s)"
    await connection.execute(insert, (model.schema, projection.name, projection.version))
    return model


async def _free(connection: Connection, name: str) -> str:
    query = "SELECT schema FROM tidings.read_model WHERE schema = ANY (%s)"
    names = [name, f"{name}_rebuilt"]
    taken = {schema for (schema,) in await (await connection.execute(query, (names,))).fetchall()}
    return next(name for name in names if name not in taken)


async def _go_live(connection: Connection, model: ReadModel) -> None:
    await connection.execute(
        "UPDATE tidings.read_model SET live = true WHERE schema = %s", (model.schema,)
    )
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {model.projection.name}".encode())
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
    for (table,) in await (await connection.execute(query, (model.schema,))).fetchall():
        await connection.execute(
            f"CREATE VIEW {model.projection.name}.{table} AS SELECT * FROM {model.schema}.{table}".encode()
        )


async def _drop(connection: Connection, schema: str) -> None:
    await connection.execute(f"DROP TABLE IF EXISTS {schema}.checkpoint CASCADE".encode())
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
    await connection.execute("DELETE FROM tidings.read_model WHERE schema = %s", (schema,))


def _json(rows: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
