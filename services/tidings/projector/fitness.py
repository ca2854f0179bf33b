"""Fitness: whether the live read models can be used by this version, with this log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tidings.projections.projection import Projection
from tidings.runtime.errors import Permanent
from tidings.runtime.log.state import state_at_least
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import PostgresConnection
from tidings.runtime.readmodels.read_model import (
    LIVE_MODEL,
    create_registry,
    rows_beyond_log,
    rows_of_other_log,
    version_mismatch,
)


class ReadModelUnusable(Permanent):
    """A read model does not fit the log, or belongs to a newer version."""


class Unfit(NamedTuple):
    """A read model that has to be rebuilt, and why.

    `by_version`: another version of Tidings made it, so nothing is lost by a rebuild. Otherwise the
    log is older than the rows, which may be the only record of what it lost.
    """

    projection: Projection
    reason: str
    by_version: bool


async def unfit_read_models(runtime: Runtime, projections: Sequence[Projection]) -> list[Unfit]:
    """Return those that must be rebuilt; raises ReadModelUnusable if a newer version made one."""
    unfit: list[Unfit] = []
    async with runtime.postgres.connection() as connection, connection.transaction():
        await create_registry(connection)
    async with runtime.postgres.connection() as connection:
        for projection in projections:
            row = await (await connection.execute(LIVE_MODEL, (projection.name,))).fetchone()
            if row and (found := await _why_unfit(runtime, connection, projection, *row)):
                unfit.append(found)
    return unfit


async def _why_unfit(
    runtime: Runtime,
    connection: PostgresConnection,
    projection: Projection,
    schema: str,
    version: int,
) -> Unfit | None:
    if version > projection.version:
        raise ReadModelUnusable(version_mismatch(projection, schema, version))
    if version < projection.version:
        return Unfit(projection, version_mismatch(projection, schema, version), True)
    query = f"SELECT sequence, epoch FROM {schema}.checkpoint"
    rows = await (await connection.execute(query.encode())).fetchall()
    if not rows:
        return None
    sequence, made_from = max(rows)
    epoch, last = await state_at_least(runtime.jetstream, projection.stream, made_from, sequence)
    other_epochs = [each for _, each in rows if each != epoch]
    if other_epochs:
        return Unfit(projection, rows_of_other_log(projection, other_epochs[0], epoch), False)
    if sequence > last:
        return Unfit(projection, rows_beyond_log(projection, sequence, last), False)
    return None
