"""Why Postgres cannot be reached is said without any part of its password."""

from __future__ import annotations

import psycopg
import pytest
from tidings.outbox.table import outbox_connection
from tidings.runtime.errors import InvalidSettings, Unavailable
from tidings.runtime.readmodels.connect_failure import MALFORMED, connect_failure
from tidings.runtime.readmodels.postgres import open_postgres
from tidings.runtime.readmodels.probe import check_read_model_versions

WRITTEN_WRONGLY = [
    "postgresql://u:geh%zz@127.0.0.1/db",
    "postgresql://u:12/geh@127.0.0.1/db",
    "postgresql://u:geh/eim@127.0.0.1/db",
    "postgresql://u:x@geh@127.0.0.1/db",
    "host=127.0.0.1 password=x geh",
]


async def why_unreachable(dsn: str) -> str:
    with pytest.raises(psycopg.Error) as failure:
        await psycopg.AsyncConnection.connect(dsn, connect_timeout=3)
    return connect_failure(dsn, failure.value)


@pytest.mark.parametrize("dsn", WRITTEN_WRONGLY)
async def test_an_address_that_may_be_read_wrongly_is_not_cited(dsn: str) -> None:
    assert await why_unreachable(dsn) == MALFORMED
    with pytest.raises((InvalidSettings, Unavailable)) as failure:
        async with outbox_connection(dsn):
            pass
    assert MALFORMED in str(failure.value) and "geh" not in str(failure.value)


async def test_the_pool_and_the_probe_do_not_cite_it_either() -> None:
    dsn = WRITTEN_WRONGLY[0]
    async with open_postgres(dsn, "tests", 1) as postgres:
        with pytest.raises(Unavailable, match="percent-encoding") as failure:
            async with postgres.connection():
                pass
        with pytest.raises(Unavailable, match="percent-encoding") as probed:
            await check_read_model_versions(postgres, dsn, ())

    assert "zz" not in f"{failure.value} {probed.value}"


async def test_the_reason_of_a_readable_address_is_kept() -> None:
    reason = await why_unreachable("postgresql://u:geh%40eim@127.0.0.1:1/db")

    assert "refused" in reason
