"""An upgrade: read models of an older version are rebuilt, and rows that do not fit are said."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tidings.projections import AUDIENCE, INBOX
from tidings.runtime.embedded.servers import run_postgres
from tidings.runtime.readmodels.postgres import open_postgres

from tests.acceptance.faults import Process, titles_of
from tests.acceptance.test_up import make_process
from tests.builders import make_announcement
from tests.driver import Tidings


@pytest.fixture
async def stopped(tmp_path: Path) -> AsyncIterator[Path]:
    """Make an installation with two notifications, and stop it."""
    process = make_process(tmp_path)
    async with Tidings(await process.start(), None, "acme") as tidings:
        await tidings.emit(*(make_announcement("ann", title=f"number {n}") for n in range(2)))
        await tidings.wait_for_counts("ann", total=2)
    process.kill()
    await process.wait()
    yield tmp_path


@asynccontextmanager
async def run_up(directory: Path, *options: str, **settings: object) -> AsyncIterator[Process]:
    process = make_process(directory, *options, **settings)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def change_rows(directory: Path, *statements: str) -> None:
    async with (
        run_postgres(directory / "data") as server,
        open_postgres(server.dsn, "tests", 1) as postgres,
        postgres.connection() as connection,
    ):
        for statement in statements:
            await connection.execute(statement.encode())


def make_older(name: str, version: int) -> tuple[str, ...]:
    """Return the statements that make a read model as the version before had it."""
    old, new = f"{name}_v{version - 1}", f"{name}_v{version}"
    return (
        f"ALTER SCHEMA {new} RENAME TO {old}",
        f"UPDATE tidings.read_model SET version = {version - 1}, schema = '{old}'"
        f" WHERE name = '{name}'",
    )


async def test_up_rebuilds_read_models_of_an_older_version_and_says_so(stopped: Path) -> None:
    await change_rows(
        stopped,
        *make_older(INBOX.name, INBOX.version),
        *make_older(AUDIENCE.name, AUDIENCE.version),
        f"DELETE FROM {INBOX.name}_v{INBOX.version - 1}.notification",
    )
    async with run_up(stopped) as up:
        async with Tidings(await up.start(), None, "acme") as tidings:
            await tidings.emit(make_announcement("ann", title="number 2"))
            await tidings.wait_for_counts("ann", total=3)
            listed = titles_of(reversed(await tidings.list_all("ann")))
            assert listed == [f"number {n}" for n in range(3)]
        log = " ".join(up.read_log().split())
        for projection in (INBOX, AUDIENCE):
            assert f"rebuilding {projection.name} from the log" in log
            assert f"{projection.name}_v{projection.version} is live" in log


async def test_rows_beyond_the_log_are_said_at_once_and_rebuilt_on_request(stopped: Path) -> None:
    beyond = f"UPDATE {INBOX.name}_v{INBOX.version}.checkpoint SET sequence = sequence + 100"
    await change_rows(stopped, beyond)

    async with run_up(stopped) as up:
        await up.spawn()
        assert await up.wait() == 1
        error = " ".join(up.read_log().split())
        assert re.search(r"error: .*inbox has rows up to \d+ of NOTIFICATIONS", error)
        assert "tidings up --rebuild" in error

    async with (
        run_up(stopped, "--rebuild") as up,
        Tidings(await up.start(), None, "acme") as tidings,
    ):
        await tidings.emit(make_announcement("ann", title="number 2"))
        await tidings.wait_for_counts("ann", total=3)


async def test_a_newer_version_is_said_at_once(stopped: Path) -> None:
    await change_rows(stopped, "UPDATE tidings.read_model SET version = 99 WHERE name = 'inbox'")
    async with run_up(stopped) as up:
        await up.spawn()
        assert await up.wait() == 1
        assert "a newer Tidings has upgraded it" in " ".join(up.read_log().split())


async def test_lower_limits_are_refused_at_once_and_set_on_request(stopped: Path) -> None:
    lower = {"notifications_per_user": 100, "retention_days": 3}
    async with run_up(stopped, **lower) as up:
        await up.spawn()
        assert await up.wait() == 1
        error = " ".join(up.read_log().split())
        assert "error: TIDINGS_NOTIFICATIONS_PER_USER is 100, but NOTIFICATIONS has 1000;" in error
        assert "tidings up --lower-limits" in error

    async with (
        run_up(stopped, "--lower-limits", **lower) as up,
        Tidings(await up.start(), None, "acme") as tidings,
    ):
        await tidings.wait_for_counts("ann", total=2)

    async with run_up(stopped, **lower) as up:
        await up.start()
