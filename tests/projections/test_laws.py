"""The laws of all projections: rows depend on the log only."""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from typing import Any, NoReturn

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tidings.projections import PROJECTIONS
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import PostgresConnection
from tidings.runtime.readmodels.read_model import ReadModel

from tests.projections.folding import fold, read_rows, roll_back
from tests.projections.logs import LOGS, batches

FINDING = (Phase.explicit, Phase.reuse, Phase.generate)
LAW = settings(max_examples=60, phases=FINDING)
PLANS = (("mergejoin",), ("hashjoin",), ("nestloop", "hashjoin"))
"""Ways to join that Postgres is told to do without."""


def test_every_projection_has_random_logs_and_a_name_of_its_own() -> None:
    names = [projection.name for projection in PROJECTIONS]

    assert sorted(names) == sorted(LOGS)
    assert len(set(names)) == len(names)


@LAW
@given(data=st.data())
async def test_rows_depend_neither_on_batches_nor_on_plans(
    runtime: Runtime, model: ReadModel, data: st.DataObject
) -> None:
    log = data.draw(LOGS[model.projection.name.removeprefix("law_")]())
    sizes = data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=5))
    plan = data.draw(st.sampled_from(PLANS))

    async with roll_back(runtime.postgres) as connection:
        await fold(connection, model, batches(log, [1]))
        one_by_one = await read_rows(connection, model.schema)
    async with roll_back(runtime.postgres) as connection:
        await _plan_anew(connection, plan)
        await fold(connection, model, batches(log, sizes))
        rows = await read_rows(connection, model.schema)
    async with roll_back(runtime.postgres) as connection:
        await _plan_anew(connection, plan)
        await fold(connection, model, [log])
        at_once = await read_rows(connection, model.schema)

    assert rows == one_by_one
    assert at_once == one_by_one
    assert one_by_one["checkpoint"][0][1] == log[-1].sequence


@LAW
@given(data=st.data())
@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
def test_evolve_depends_neither_on_the_time_nor_on_the_environment(
    projection: Any, data: st.DataObject
) -> None:
    log = data.draw(LOGS[projection.name]())
    before = [list(projection.changes_of(message)) for message in log]

    with pytest.MonkeyPatch.context() as patch:
        _stop_the_clocks(patch)
        after = [list(projection.changes_of(message)) for message in log]

    assert after == before


async def _plan_anew(connection: PostgresConnection, without: tuple[str, ...]) -> None:
    await connection.execute(b"SET LOCAL plan_cache_mode = force_custom_plan")
    for join in without:
        await connection.execute(f"SET LOCAL enable_{join} = off".encode())


def _stop_the_clocks(patch: pytest.MonkeyPatch) -> None:
    """Make reading the time or the environment fail."""
    for clock in (
        "time",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "localtime",
        "gmtime",
    ):
        patch.setattr(time, clock, _fail)
    patch.setattr(os, "getenv", _fail)
    patch.setattr(os, "environ", None)
    for name, module in list(sys.modules.items()):
        if (
            name.startswith(("tidings.contracts", "tidings.domains", "tidings.projections"))
            and getattr(module, "datetime", None) is datetime
        ):
            patch.setattr(module, "datetime", Timeless)


def _fail(*_: object) -> NoReturn:
    raise AssertionError("a projection asked for the time or the environment")


class Timeless(datetime):
    """A `datetime` class without the present time."""

    now = utcnow = today = _fail  # type: ignore[assignment]
