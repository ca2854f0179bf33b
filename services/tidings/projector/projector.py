"""The projector: follows a projection's stream and keeps its live read model up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from functools import partial

from tidings.projections import ACTIVITY, AUDIENCE, INBOX, METRICS, RECEIPTS
from tidings.projections.audience.queries import SWEEP_CLOSINGS, SWEEP_GROUPED
from tidings.projections.inbox.queries import SWEEP_INBOX
from tidings.projections.projection import Projection
from tidings.projections.receipts.queries import SWEEP_RECEIPTS
from tidings.projector.apply import BatchWriter
from tidings.runtime.errors import LogLost
from tidings.runtime.log.follow import follow
from tidings.runtime.log.state import state_at_least
from tidings.runtime.metrics.follower_lag import FollowPosition
from tidings.runtime.process import Runtime, run_forever
from tidings.runtime.readmodels.read_model import live_model, rows_beyond_log

BATCH_MESSAGES = 2000
SMALL_BATCH_MESSAGES = 100
SMALL_BATCH_PAUSE_SECONDS = 0.01
"""How long to wait for more after a small batch: a transaction each would cost most of all."""
SECONDARY_PROJECTIONS = (RECEIPTS, METRICS, ACTIVITY)
"""Read models beside the inbox, which readiness does not wait for."""
EXPIRED_ROWS = (
    (INBOX, SWEEP_INBOX),
    (RECEIPTS, SWEEP_RECEIPTS),
    (AUDIENCE, SWEEP_GROUPED),
    (AUDIENCE, SWEEP_CLOSINGS),
)


async def run_projector(runtime: Runtime, ready: Callable[[], None] = lambda: None) -> None:
    """Run the projector until a permanent error; ready once every checkpoint is read."""
    async with asyncio.TaskGroup() as group:
        group.create_task(run_forever(INBOX.name, lambda: run_projection(runtime, INBOX, ready)))
        for each in SECONDARY_PROJECTIONS:
            group.create_task(run_forever(each.name, partial(run_projection, runtime, each)))
        group.create_task(run_forever("sweep", lambda: delete_expired_rows(runtime)))


async def run_projection(
    runtime: Runtime, projection: Projection, ready: Callable[[], None] = lambda: None
) -> None:
    """Follow the stream from the checkpoint; raises Transient to be tried again, or LogLost."""
    model = await live_model(runtime.postgres, projection)
    epoch = runtime.epochs[projection.stream]
    checkpoint = await model.checkpoint(runtime.postgres, epoch)
    sequence, writer = checkpoint.sequence, BatchWriter(runtime, model)
    state = await state_at_least(runtime.jetstream, projection.stream, epoch, sequence)
    if sequence > state.last_sequence:
        raise LogLost(rows_beyond_log(projection, sequence, state.last_sequence))
    position = runtime.metrics.followers.position_of(f"projection_{projection.name}")
    ready()
    batches = follow(
        runtime.jetstream,
        projection.stream,
        projection.subjects,
        after=sequence,
        epoch=epoch,
        limit=BATCH_MESSAGES,
        position=position,
    )
    async with aclosing(batches), asyncio.TaskGroup() as group:
        applying: asyncio.Task[None] | None = None
        async for batch in batches:
            if batch:
                prepared = await writer.prepare(batch, sequence)
                if applying:
                    await applying
                applying = group.create_task(writer.write(prepared))
                applying.add_done_callback(partial(_release_written, position))
                position.in_flight, sequence = batch, batch[-1].sequence
                await asyncio.sleep(
                    SMALL_BATCH_PAUSE_SECONDS if len(batch) < SMALL_BATCH_MESSAGES else 0
                )


def _release_written(position: FollowPosition, task: asyncio.Task[None]) -> None:
    """Note that a batch has been applied, unless that failed."""
    if not task.cancelled() and not task.exception():
        position.release()


async def delete_expired_rows(runtime: Runtime) -> None:
    """Delete rows that are no longer visible, at intervals; visibility never depends on it."""
    while True:
        for projection, statement in EXPIRED_ROWS:
            model = await live_model(runtime.postgres, projection)
            async with runtime.postgres.connection() as connection:
                await connection.execute(
                    model.sql(statement), (timedelta(days=runtime.settings.retention_days),)
                )
        await asyncio.sleep(runtime.settings.sweep_interval_seconds)
