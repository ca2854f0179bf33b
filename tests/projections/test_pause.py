"""The pause of a projector, in which messages gather, ends when somebody waits for the rows."""

from __future__ import annotations

import asyncio

from tidings.contracts.subjects import awaited_subject
from tidings.projections import INBOX
from tidings.projector.projector import run_projection
from tidings.runtime.process import Runtime, run_forever
from tidings.runtime.readmodels.read_model import live_model

from tests.projections.test_rebuild import make_drafts, make_own_log
from tests.projections.test_together import count_rows, wait_for_rows

LONG_PAUSE_SECONDS = 3600.0


async def test_what_is_awaited_is_written_at_once(runtime: Runtime) -> None:
    async with make_own_log(runtime, INBOX) as here:
        await live_model(here.postgres, here.projection)
        first, second, third = make_drafts(here.stream, 3)
        running = asyncio.create_task(
            run_forever(
                "awaited",
                lambda: run_projection(here, here.projection, pause_seconds=LONG_PAUSE_SECONDS),
            )
        )
        try:
            await here.append_log([first])
            await wait_for_rows(here, here.projection, 1)
            for count, draft in ((2, second), (3, third)):
                await here.append_log([draft])
                assert await count_rows(here, here.projection) == count - 1

                await here.jetstream.publish(awaited_subject(here.projection.name), b"")
                await wait_for_rows(here, here.projection, count)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
