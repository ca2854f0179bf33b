"""Probe: whether Postgres answers, and has the read models that a process uses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
from tidings.projections.projection import Projection
from tidings.runtime.errors import Unavailable
from tidings.runtime.health import Probe
from tidings.runtime.readmodels.connect_failure import connect_failure
from tidings.runtime.readmodels.postgres import Postgres
from tidings.runtime.readmodels.read_model import version_mismatch
from tidings.runtime.readmodels.session import PostgresConnection

CONNECT_SECONDS = 3
ANSWER_SECONDS = 3.0
LIVE_VERSIONS = "SELECT name, schema, version FROM tidings.read_model WHERE live"
HAS_REGISTRY = "SELECT to_regclass('tidings.read_model') IS NOT NULL"


def read_models_probe(postgres: Postgres, dsn: str, projections: Sequence[Projection]) -> Probe:
    """Return a probe that reads the versions of the live read models."""

    async def probe() -> None:
        await check_read_model_versions(postgres, dsn, projections)

    return probe


async def check_read_model_versions(
    postgres: Postgres, dsn: str, projections: Sequence[Projection]
) -> None:
    """Raise Unavailable if Postgres is away, or lacks a read model of these versions."""
    versions = await _live_versions(postgres, dsn)
    missing = [each.name for each in projections if each.name not in versions]
    if missing:
        raise Unavailable(
            f"{', '.join(missing)}: no such read model yet; is a projector and a notifier running?"
        )
    for projection in projections:
        schema, version = versions[projection.name]
        if version != projection.version:
            raise Unavailable(version_mismatch(projection, schema, version))


async def _live_versions(postgres: Postgres, dsn: str) -> dict[str, tuple[str, int]]:
    """Return the versions by the pool, or by a connection of its own: a pool may just be busy."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS), postgres.connection() as connection:
            return await _read_versions(connection)
    except (TimeoutError, Unavailable):
        return await _live_versions_without_pool(dsn)


async def _live_versions_without_pool(dsn: str) -> dict[str, tuple[str, int]]:
    """Return the versions; raises Unavailable with the reason, which a pool does not know."""
    try:
        async with (
            await psycopg.AsyncConnection.connect(dsn, connect_timeout=CONNECT_SECONDS) as own,
            asyncio.timeout(ANSWER_SECONDS),
        ):
            return await _read_versions(own)
    except TimeoutError:
        raise Unavailable(f"no answer within {ANSWER_SECONDS:.0f} seconds") from None
    except psycopg.Error as error:
        raise Unavailable(connect_failure(dsn, error)) from None


async def _read_versions(connection: PostgresConnection) -> dict[str, tuple[str, int]]:
    row = await (await connection.execute(HAS_REGISTRY)).fetchone()
    if not row or not row[0]:
        return {}
    rows = await (await connection.execute(LIVE_VERSIONS)).fetchall()
    return {name: (schema, version) for name, schema, version in rows}
