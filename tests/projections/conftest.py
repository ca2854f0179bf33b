"""A read model of each projection that only the law tests write to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tidings.projections import PROJECTIONS
from tidings.projections.projection import Projection
from tidings.runtime.process import Runtime
from tidings.runtime.readmodel import ReadModel, live

EPOCH = "0123abcd"


@pytest.fixture(scope="session")
async def models(runtime: Runtime) -> AsyncIterator[dict[str, ReadModel]]:
    """The read models by the names of their projections, each with a checkpoint at the beginning."""
    made = {
        projection.name: await live(runtime.postgres, _own(projection))
        for projection in PROJECTIONS
    }
    for model in made.values():
        await model.checkpoint(runtime.postgres, EPOCH)
    yield made
    for model in made.values():
        await drop(runtime, model.projection)


@pytest.fixture(params=PROJECTIONS, ids=lambda projection: projection.name)
def model(request: pytest.FixtureRequest, models: dict[str, ReadModel]) -> ReadModel:
    """One of them after the other."""
    return models[request.param.name]


async def drop(runtime: Runtime, projection: Projection) -> None:
    """Leave nothing of a projection's read models behind."""
    async with runtime.postgres.connection() as connection:
        gone = await connection.execute(
            "DELETE FROM tidings.read_model WHERE name = %s RETURNING schema", (projection.name,)
        )
        for (schema,) in [*await gone.fetchall(), (projection.name,)]:
            await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())


def _own(projection: Projection) -> Projection:
    return replace(projection, name=f"law_{projection.name}")
