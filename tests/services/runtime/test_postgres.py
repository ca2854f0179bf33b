"""Postgres: an error of one user of a connection does not affect the next one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest
from tidings.runtime.errors import Fenced, Unavailable
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels import postgres as postgres_module
from tidings.runtime.readmodels.postgres import Postgres, open_postgres

STEPS = 60


async def is_usable(postgres: Postgres) -> bool:
    """Return whether a connection works like a new one."""
    async with postgres.connection() as connection:
        await connection.execute("SELECT 1; SELECT 2")
    async with postgres.transaction() as connection:
        cursors = [await connection.execute("SELECT %s", (number,)) for number in range(3)]
        return [await cursor.fetchone() for cursor in cursors] == [(0,), (1,), (2,)]


@pytest.mark.parametrize("way", ["connection", "transaction", "snapshot"])
async def test_a_cancelled_query_leaves_the_connection_usable(runtime: Runtime, way: str) -> None:
    async with open_postgres(runtime.settings.postgres, "tests-cancelled", 1) as postgres:

        async def run_queries() -> None:
            async with getattr(postgres, way)() as connection:
                for _ in range(3):
                    await connection.execute("SELECT pg_sleep(0.001)")
                    await (await connection.execute("SELECT count(*) FROM pg_class")).fetchone()

        for steps in range(STEPS):
            task = asyncio.create_task(run_queries())
            # Cancel at each of the first points at which the task can be suspended.
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert await is_usable(postgres)


async def test_an_error_in_a_transaction_ends_with_it(runtime: Runtime) -> None:
    async with open_postgres(runtime.settings.postgres, "tests-errors", 1) as postgres:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            async with postgres.transaction() as connection:
                await connection.execute("SELECT 1")
                await connection.execute("SELECT nothing")
                await connection.execute("SELECT 2")

        assert await is_usable(postgres)


async def test_errors_of_postgres_become_errors_of_tidings(runtime: Runtime) -> None:
    with pytest.raises(Unavailable, match="UndefinedTable"):
        async with runtime.postgres.connection() as connection:
            await connection.execute("SELECT * FROM nowhere.nothing")
    with pytest.raises(Fenced):
        async with runtime.postgres.transaction() as connection:
            await connection.execute("SELECT 1 / 0")


async def test_a_transaction_that_postgres_ended_while_the_process_was_suspended_is_tried_again(
    runtime: Runtime,
) -> None:
    with pytest.raises(Unavailable, match="IdleInTransactionSessionTimeout"):
        async with runtime.postgres.snapshot() as connection:
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 20")
            while True:
                await asyncio.sleep(0.2)
                await connection.execute("SELECT 1")


async def test_a_server_that_does_not_answer_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres_module, "CONNECTION_TIMEOUT_SECONDS", 0.2)
    async with open_postgres(
        "postgresql://nobody@127.0.0.1:1/nothing", "tests-nobody", 1
    ) as postgres:
        with pytest.raises(Unavailable, match="Postgres cannot be reached"):
            async with postgres.connection():
                pass


async def _set_timezone(runtime: Runtime, setting: str) -> None:
    async with runtime.postgres.connection() as connection:
        row = await (await connection.execute("SELECT quote_ident(current_database())")).fetchone()
        assert row
        await connection.execute(f"ALTER DATABASE {row[0]} {setting}".encode())


async def test_thirty_days_last_equally_long_in_any_timezone_of_the_server(
    runtime: Runtime,
) -> None:
    days = timedelta(days=30)
    await _set_timezone(runtime, "SET timezone TO 'Europe/Berlin'")

    try:
        async with (
            open_postgres(runtime.settings.postgres, "tests-berlin", 1) as postgres,
            postgres.connection() as connection,
        ):
            over_the_end_of_summer = (
                "SELECT timestamptz '2026-10-20 12:00Z' + %s - timestamptz '2026-10-20 12:00Z'"
            )
            row = await (await connection.execute(over_the_end_of_summer, (days,))).fetchone()
    finally:
        await _set_timezone(runtime, "RESET timezone")

    assert row == (days,)


async def test_a_snapshot_is_consistent_and_read_only(runtime: Runtime) -> None:
    async with runtime.postgres.connection() as connection:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS moment (at integer);"
            " DELETE FROM moment; INSERT INTO moment VALUES (1)"
        )

    try:
        async with runtime.postgres.snapshot() as snapshot:
            before = await (await snapshot.execute("SELECT at FROM moment")).fetchall()
            async with runtime.postgres.connection() as connection:
                await connection.execute("INSERT INTO moment VALUES (2)")
            after = await (await snapshot.execute("SELECT at FROM moment")).fetchall()
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                await snapshot.execute("INSERT INTO moment VALUES (3)")
    finally:
        async with runtime.postgres.connection() as connection:
            await connection.execute("DROP TABLE moment")

    assert before == after == [(1,)]
