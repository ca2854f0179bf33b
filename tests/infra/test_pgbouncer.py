"""Behind PgBouncer, which lends one session to many connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tidings.outbox.table import outbox_connection
from tidings.runtime.errors import InvalidSettings, Unavailable
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels import postgres as postgres_module
from tidings.runtime.readmodels.postgres import Postgres, open_postgres

from tests.acceptance.faults import Installation
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.pgbouncer import run_pgbouncer
from tests.ports import find_free_port

MODES = ("session", "transaction")
SETTINGS = "SELECT current_setting('timezone'), current_setting('synchronous_commit')"
REPETITIONS = 8
"""More than psycopg waits for until it prepares a statement."""


@pytest.fixture(params=MODES)
async def pooled(
    request: pytest.FixtureRequest, runtime: Runtime, tmp_path: Path
) -> AsyncIterator[Postgres]:
    """Open a pool of connections through PgBouncer."""
    async with (
        run_pgbouncer(tmp_path, runtime.settings.postgres, request.param) as dsn,
        open_postgres(dsn, "tests-pooled", 4) as postgres,
    ):
        yield postgres


@pytest.mark.parametrize("way", ["connection", "transaction", "snapshot"])
async def test_each_use_of_a_pooled_session_has_our_settings(pooled: Postgres, way: str) -> None:
    async def read_settings() -> list[tuple[str, ...] | None]:
        async with getattr(pooled, way)() as connection:
            cursors = [await connection.execute(SETTINGS) for _ in range(3)]
            return [await cursor.fetchone() for cursor in cursors]

    found = await asyncio.gather(*(read_settings() for _ in range(REPETITIONS * 4)))

    assert found == [[("UTC", "off")] * 3] * REPETITIONS * 4


async def test_nothing_is_left_in_a_session_that_others_use(
    runtime: Runtime, tmp_path: Path
) -> None:
    async with run_pgbouncer(tmp_path, runtime.settings.postgres, "transaction") as dsn:
        async with open_postgres(dsn, "tests-pooled", 1) as postgres:
            for _ in range(REPETITIONS):
                async with postgres.connection() as connection:
                    await connection.execute(SETTINGS)
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as other:
            cursor = await other.execute("SELECT current_setting('synchronous_commit')")
            setting = await cursor.fetchone()
            cursor = await other.execute("SELECT count(*) FROM pg_prepared_statements")

            assert (setting, await cursor.fetchone()) == (("on",), (0,))


async def test_a_pooler_that_refuses_is_named_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, runtime: Runtime, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres_module, "CONNECTION_TIMEOUT_SECONDS", 1)
    async with run_pgbouncer(tmp_path, runtime.settings.postgres, "session") as dsn:
        elsewhere = make_conninfo(dsn, dbname="elsewhere")
        async with open_postgres(elsewhere, "tests-refused", 1) as postgres:
            with pytest.raises(Unavailable, match="bouncer config error"):
                async with postgres.connection():
                    pass


@pytest.mark.parametrize("mode", MODES)
async def test_an_outbox_behind_a_pooler_is_refused_with_the_reason(
    runtime: Runtime, tmp_path: Path, mode: str
) -> None:
    async with run_pgbouncer(tmp_path, runtime.settings.postgres, mode) as dsn:
        with pytest.raises(InvalidSettings, match="pooler"):
            async with outbox_connection(dsn):
                pass


async def test_a_whole_installation_works_in_transaction_mode(tmp_path: Path) -> None:
    port = find_free_port()
    settings: dict[str, object] = {
        "postgres_dsn": f"postgresql://postgres@127.0.0.1:{port}/tidings"
    }
    installation = Installation(tmp_path / "installation", settings)
    installation.postgres.directory.mkdir(mode=0o700)  # the address has a password from there
    async with (
        run_pgbouncer(tmp_path, installation.postgres.dsn, "transaction", port),
        installation,
        Tidings(installation.url, None) as driver,
    ):
        for number in range(REPETITIONS):
            answer = await driver.http.post(
                f"{installation.gateway_url}/v1/events",
                json=make_announcement("alice", title=str(number)),
                headers={
                    **driver.headers(),
                    "Content-Type": "application/cloudevents+json",
                    "Idempotency-Key": f"key-{number}",
                },
            )
            assert answer.status_code == 200, answer.text
        await driver.wait_for_counts("alice", total=REPETITIONS)
        for _ in range(REPETITIONS):
            page = await driver.get("/v1/notifications", "alice", limit=3)
            assert len(page["notifications"]) == 3
            assert (await driver.get("/v1/activity", "alice", user="alice")) is not None
        client = await driver.connect("alice")
        assert (await client.next("snapshot"))["counts"]["total"] == REPETITIONS
