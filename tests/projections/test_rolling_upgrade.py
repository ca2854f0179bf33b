"""A rolling upgrade: the new version rebuilds while the old one runs, and nothing is missing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tidings.projections import INBOX
from tidings.projector.fitness import ReadModelUnusable, unfit_read_models
from tidings.projector.projector import run_projection
from tidings.projector.rebuild import rebuild_read_model
from tidings.runtime.process import Runtime, run_forever
from tidings.runtime.readmodels.read_model import ModelVersionMismatch, live_model

from tests.projections.test_rebuild import OwnLog, make_drafts, make_own_log

WAIT_SECONDS = 40


async def test_the_old_version_ends_when_the_rebuilt_one_is_live_and_the_new_one_goes_on(
    runtime: Runtime,
) -> None:
    async with make_own_log(runtime, INBOX) as here:
        new, old = here.projection, replace(here.projection, version=INBOX.version - 1)
        await live_model(runtime.postgres, old)
        old_projector = asyncio.create_task(run_forever("old", lambda: run_projection(here, old)))
        await here.wait_for_checkpoint(await here.append_log(make_drafts(here.stream, 100)))

        with pytest.raises(ModelVersionMismatch, match="run: tidings rebuild"):
            await run_projection(here, new)
        unfit = await unfit_read_models(here, [new])
        assert [(each.projection, each.by_version) for each in unfit] == [(new, True)]

        await rebuild_read_model(here, new, lambda *_: None)
        last = await here.append_log(make_drafts(here.stream, 200))
        with pytest.raises(ModelVersionMismatch, match="a newer Tidings has upgraded it"):
            await asyncio.wait_for(old_projector, WAIT_SECONDS)
        with pytest.raises(ReadModelUnusable, match="a newer Tidings has upgraded it"):
            await unfit_read_models(here, [old])
        assert await unfit_read_models(here, [new]) == []

        new_projector = asyncio.create_task(run_projection(here, new))
        await here.wait_for_checkpoint(last)
        new_projector.cancel()
        await asyncio.gather(new_projector, return_exceptions=True)
        assert await count_ids(here) == 200


async def count_ids(here: OwnLog) -> int:
    query = f"SELECT count(DISTINCT id) FROM {here.projection.name}.notification"
    async with here.postgres.connection() as connection:
        row = await (await connection.execute(query.encode())).fetchone()
    return row[0] if row else 0
