"""The probe of Postgres: a pool that is busy is healthy, a Postgres that is away is not."""

from __future__ import annotations

import pytest
from tidings.projections import INBOX
from tidings.runtime.errors import Unavailable
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels import probe
from tidings.runtime.readmodels.postgres import open_postgres
from tidings.runtime.readmodels.probe import check_read_model_versions
from tidings.runtime.readmodels.read_model import live_model


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ANSWER_SECONDS", 1.0)


async def test_a_pool_whose_connections_are_all_in_use_is_healthy(runtime: Runtime) -> None:
    await live_model(runtime.postgres, INBOX)
    dsn = runtime.settings.postgres
    async with open_postgres(dsn, "tests-busy", 1) as postgres, postgres.connection():
        await check_read_model_versions(postgres, dsn, [INBOX])


async def test_a_postgres_that_cannot_be_reached_is_said_with_the_reason() -> None:
    dsn = "postgresql://nobody@127.0.0.1:1/nothing"
    async with open_postgres(dsn, "tests-nobody", 1) as postgres:
        with pytest.raises(Unavailable, match="refused"):
            await check_read_model_versions(postgres, dsn, [INBOX])
