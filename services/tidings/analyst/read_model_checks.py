"""Checks of the read models: their versions, and whether their rows fit the log and follow it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tidings.analyst.finding import Finding, checked
from tidings.projections import PROJECTIONS
from tidings.projections.projection import Projection
from tidings.runtime.errors import TidingsError
from tidings.runtime.log.read import last_message
from tidings.runtime.log.state import state_at_least
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import Postgres
from tidings.runtime.readmodels.read_model import rows_beyond_log, version_mismatch

PROJECTION_BY_NAME = {projection.name: projection for projection in PROJECTIONS}
PROGRESS_SECONDS = 3.0
"""A living projector applies something in this time, if anything waits for it."""
LIVE_READ_MODELS = """
SELECT m.schema, m.name, m.version FROM tidings.read_model m WHERE m.live ORDER BY m.name
"""


async def check_read_models(runtime: Runtime) -> AsyncIterator[Finding]:
    """Yield a finding for each live read model, also for one that this version does not know."""
    for schema, name, version in await _live_read_models(runtime.postgres):
        projection = PROJECTION_BY_NAME.get(name)
        if projection is None:
            yield _unknown_read_model(schema, name, version)
            continue
        check = _check_read_model(runtime, projection, schema, version)
        yield await checked(f"read model {name}", check)


async def _check_read_model(
    runtime: Runtime, projection: Projection, schema: str, version: int
) -> Finding:
    subject = f"read model {projection.name}"
    if version != projection.version:
        return Finding(subject, False, version_mismatch(projection, schema, version))
    sequence, epoch = await _checkpoint(runtime.postgres, schema)
    described = f"version {version} in {schema}, at {sequence}"
    if epoch and epoch != runtime.epochs.get(projection.stream):
        return Finding(
            subject,
            False,
            f"{described}: built from another {projection.stream};"
            f" run tidings rebuild {projection.name}",
        )
    state = await state_at_least(runtime.jetstream, projection.stream, epoch, sequence)
    if sequence > state.last_sequence:
        reason = rows_beyond_log(projection, sequence, state.last_sequence)
        return Finding(subject, False, reason)
    if not projection.partitioned and (waiting := await _stands_still(runtime, projection, schema)):
        return Finding(
            subject,
            False,
            f"{described}: stands still, while the log has an entry at {waiting};"
            " is a projector running? Its log says why not",
        )
    return Finding(subject, True, described)


async def _stands_still(runtime: Runtime, projection: Projection, schema: str) -> int | None:
    """Return the newest entry that waits, if none is applied for a while."""
    newest = await _newest_entry(runtime, projection)
    before, _ = await _checkpoint(runtime.postgres, schema)
    if before >= newest:
        return None
    await asyncio.sleep(PROGRESS_SECONDS)
    after, _ = await _checkpoint(runtime.postgres, schema)
    return newest if after == before else None


async def _newest_entry(runtime: Runtime, projection: Projection) -> int:
    found = [
        await last_message(runtime.jetstream, projection.stream, subject)
        for subject in projection.subjects
    ]
    return max((message.sequence for message in found if message), default=0)


async def _checkpoint(postgres: Postgres, schema: str) -> tuple[int, str]:
    query = f"SELECT coalesce(max(sequence), 0), coalesce(min(epoch), '') FROM {schema}.checkpoint"
    async with postgres.connection() as connection:
        row = await (await connection.execute(query.encode())).fetchone()
    return (row[0], row[1]) if row else (0, "")


def _unknown_read_model(schema: str, name: str, version: int) -> Finding:
    """Return a finding that is no failure: another version made it, and nothing here reads it."""
    return Finding(
        f"read model {name}",
        True,
        f"version {version} in {schema}: no projection of this version has that name; "
        f"harmless: nothing writes or reads it, and its schema may be dropped",
    )


async def _live_read_models(postgres: Postgres) -> list[tuple[str, str, int]]:
    try:
        async with postgres.connection() as connection:
            return [
                (row[0], row[1], row[2])
                for row in await (await connection.execute(LIVE_READ_MODELS)).fetchall()
            ]
    except TidingsError:
        return []
