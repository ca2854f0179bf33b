"""Read models of all projections for the tests of their laws."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tidings.projections import PROJECTIONS
from tidings.projections.projection import Projection
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import ReadModel, live_model

EPOCH = "0123abcd"


@pytest.fixture(scope="session")
async def models(runtime: Runtime) -> AsyncIterator[dict[str, ReadModel]]:
    """Return a new read model for each projection, by name."""
    made = {
        projection.name: await live_model(runtime.postgres, _renamed(projection))
        for projection in PROJECTIONS
    }
    for model in made.values():
        await model.checkpoint(runtime.postgres, EPOCH)
    yield made
    for model in made.values():
        await drop_read_models(runtime, model.projection)


@pytest.fixture(params=PROJECTIONS, ids=lambda projection: projection.name)
def model(request: pytest.FixtureRequest, models: dict[str, ReadModel]) -> ReadModel:
    """Return each read model in turn."""
    return models[request.param.name]


async def drop_read_models(runtime: Runtime, projection: Projection) -> None:
    """Drop all read models of a projection."""
    async with runtime.postgres.connection() as connection:
        deleted = await connection.execute(
            "DELETE FROM tidings.read_model WHERE name = %s RETURNING schema", (projection.name,)
        )
        for (schema,) in [*await deleted.fetchall(), (projection.name,)]:
            await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())


def _renamed(projection: Projection) -> Projection:
    return replace(projection, name=f"law_{projection.name}")
