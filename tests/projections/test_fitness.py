"""Fitness: a read model does not fit the log only if that is certain, also at a first start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from psycopg.conninfo import make_conninfo
from tidings.analyst import read_model_checks
from tidings.projections import INBOX
from tidings.projector.fitness import unfit_read_models
from tidings.projector.projector import run_projection
from tidings.runtime.errors import LogLost
from tidings.runtime.log import state
from tidings.runtime.process import Runtime, run_forever
from tidings.runtime.readmodels.postgres import Postgres, open_postgres
from tidings.runtime.readmodels.read_model import create_registry, live_model

from tests.projections.test_rebuild import OwnLog, make_drafts, make_own_log
from tests.waiting import wait_until

CallApi = Callable[..., Awaitable[dict[str, Any]]]


class SuspendedLeader:
    """Answers STREAM.INFO as a leader that was suspended does, for some answers; then truly."""

    def __init__(self, here: OwnLog, stale_answers: float) -> None:
        self._call_api: CallApi = here.jetstream.call_api
        self.stale_answers = stale_answers

    async def call_api(self, api: str, *given: Any, **named: Any) -> dict[str, Any]:
        info = await self._call_api(api, *given, **named)
        if api.startswith("STREAM.INFO.") and self.stale_answers > 0:
            self.stale_answers -= 1
            info["config"]["num_replicas"] = 3
            info["state"]["last_seq"] = 1
        return info

    def stay_suspended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Answer so for ever, which those who ask believe after half a second."""
        self.stale_answers = float("inf")
        monkeypatch.setattr(state, "SHORT_TAIL_LIMIT_SECONDS", 0.5)


@asynccontextmanager
async def run_with_rows(runtime: Runtime) -> AsyncIterator[tuple[OwnLog, int]]:
    """Yield a log with a read model of all its entries, and its last sequence."""
    async with make_own_log(runtime, INBOX) as here:
        last = await here.append_log(make_drafts(here.stream, 3))
        await here.update_live_model([10])
        yield here, last


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "ASK_AGAIN_SECONDS", 0.01)


def suspend_leader(
    monkeypatch: pytest.MonkeyPatch, here: OwnLog, stale_answers: float
) -> SuspendedLeader:
    leader = SuspendedLeader(here, stale_answers)
    monkeypatch.setattr(here.jetstream, "call_api", leader.call_api)
    return leader


async def test_a_projector_goes_on_after_a_stale_answer_of_a_suspended_leader(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_with_rows(runtime) as (here, _):
        leader = suspend_leader(monkeypatch, here, 2)
        projector = asyncio.create_task(
            run_forever("projector", lambda: run_projection(here, here.projection))
        )
        last = await here.append_log(make_drafts(here.stream, 1))
        try:
            await here.wait_for_checkpoint(last)
        finally:
            projector.cancel()
            await asyncio.gather(projector, return_exceptions=True)

        assert leader.stale_answers == 0


async def test_a_projector_ends_if_the_log_stays_shorter_than_its_rows(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_with_rows(runtime) as (here, last):
        suspend_leader(monkeypatch, here, 0).stay_suspended(monkeypatch)

        with pytest.raises(LogLost, match=f"has rows up to {last}.*ends at 1"):
            await run_projection(here, here.projection)


async def test_up_asks_for_a_rebuild_only_if_the_log_stays_shorter(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_with_rows(runtime) as (here, last):
        leader = suspend_leader(monkeypatch, here, 2)
        assert await unfit_read_models(here, [here.projection]) == []

        leader.stay_suspended(monkeypatch)
        (unfit,) = await unfit_read_models(here, [here.projection])
        assert f"has rows up to {last}" in unfit.reason


async def test_the_doctor_asks_for_a_rebuild_only_if_the_log_stays_shorter(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_with_rows(runtime) as (here, last):
        leader = suspend_leader(monkeypatch, here, 2)
        name = here.projection.name
        monkeypatch.setitem(read_model_checks.PROJECTION_BY_NAME, name, here.projection)

        async def find() -> str | None:
            async for finding in read_model_checks.check_read_models(here):
                if finding.subject == f"read model {name}":
                    return None if finding.healthy else finding.message
            raise AssertionError("it was not checked")

        assert await find() is None

        leader.stay_suspended(monkeypatch)
        assert f"has rows up to {last}" in (await find() or "")


@asynccontextmanager
async def make_database(runtime: Runtime) -> AsyncIterator[Postgres]:
    name = f"t{uuid4().hex[:12]}"
    async with runtime.postgres.connection() as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
    dsn = make_conninfo(runtime.settings.postgres, dbname=name)
    async with open_postgres(dsn, "tests-first-start", 3) as postgres:
        yield postgres
    async with runtime.postgres.connection() as connection:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def test_two_first_starts_at_once_do_not_meet_in_the_registry(runtime: Runtime) -> None:
    async with make_database(runtime) as postgres:
        new = Runtime(
            runtime.settings, runtime.jetstream, postgres, runtime.epochs, runtime.own_ids
        )

        async def is_waiting() -> bool:
            query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            async with postgres.connection() as connection:
                waiting = await connection.execute(f"{query} AND wait_event_type = 'Lock'".encode())
                return bool(await waiting.fetchone())

        async with (
            asyncio.TaskGroup() as group,
            postgres.connection() as other_start,
            other_start.transaction(),
        ):
            await create_registry(other_start)
            second_start = group.create_task(unfit_read_models(new, []))
            await wait_until(is_waiting)

        assert second_start.result() == []
        assert (await live_model(postgres, INBOX)).schema == f"inbox_v{INBOX.version}"
