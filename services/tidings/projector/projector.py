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
from tidings.projections.projection import Change, Projection
from tidings.projections.receipts.queries import SWEEP_RECEIPTS
from tidings.runtime.log.follow import StreamMessage, follow
from tidings.runtime.process import Runtime, run_forever
from tidings.runtime.readmodels.read_model import Execution, ReadModel, live_model

BATCH_MESSAGES = 2000
SLICE_MESSAGES = 50
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
    sequence = checkpoint.sequence
    ready()
    batches = follow(
        runtime.jetstream,
        projection.stream,
        projection.subjects,
        after=sequence,
        epoch=epoch,
        limit=BATCH_MESSAGES,
    )
    async with aclosing(batches), asyncio.TaskGroup() as group:
        applying: asyncio.Task[None] | None = None
        async for batch in batches:
            if batch:
                executions = model.prepare_changes(await evolve_batch(projection, batch))
                if applying:
                    await applying
                applying = group.create_task(
                    apply_batch(runtime, model, executions, sequence, batch[-1].sequence)
                )
                sequence = batch[-1].sequence
                await asyncio.sleep(
                    SMALL_BATCH_PAUSE_SECONDS if len(batch) < SMALL_BATCH_MESSAGES else 0
                )


async def evolve_batch(projection: Projection, batch: list[StreamMessage]) -> list[Change]:
    """Compute the changes of a batch in slices; between them, the batch before gets to Postgres."""
    changes: list[Change] = []
    for first in range(0, len(batch), SLICE_MESSAGES):
        changes += [
            change
            for message in batch[first : first + SLICE_MESSAGES]
            for change in projection.evolve(message)
        ]
        await asyncio.sleep(0)
    return changes


async def apply_batch(
    runtime: Runtime, model: ReadModel, executions: list[Execution], previous: int, sequence: int
) -> None:
    """Apply a batch and its checkpoint in one transaction, while the next one is prepared."""
    async with runtime.postgres.transaction() as connection:
        await model.apply_changes(connection, executions, previous, sequence)


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
