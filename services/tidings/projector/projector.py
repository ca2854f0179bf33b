"""The projector: follows a projection's stream and keeps its live read model up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from functools import partial

from tidings.projections import ACTIVITY, AUDIENCE, INBOX, METRICS, RECEIPTS
from tidings.projections.projection import Change, Projection
from tidings.runtime.follow import Message, follow
from tidings.runtime.process import Runtime, persist
from tidings.runtime.readmodel import Execution, ReadModel, live

BATCH_MESSAGES = 2000
SLICE_MESSAGES = 50
GATHER_MESSAGES = 100
GATHER_SECONDS = 0.01
"""After a batch of fewer messages, wait that long for more: a transaction for each would cost more than all else."""
OTHERS = (RECEIPTS, METRICS, ACTIVITY)
"""What is kept up beside the inbox, without which nobody is ready."""
SWEEPS = (
    (
        INBOX,
        """
WITH swept AS (DELETE FROM {schema}.notification WHERE appended <= now() - %s RETURNING changed)
UPDATE {schema}.horizon SET swept = greatest(horizon.swept, (SELECT coalesce(max(changed), 0) FROM swept))
""",
    ),
    (RECEIPTS, "DELETE FROM {schema}.receipt WHERE at <= now() - %s"),
    (AUDIENCE, "DELETE FROM {schema}.grouped WHERE at <= now() - %s"),
    (AUDIENCE, "DELETE FROM {schema}.closing WHERE at <= now() - %s"),
)


async def project(runtime: Runtime, ready: Callable[[], None] = lambda: None) -> None:
    """Run the projector until something that trying again does not mend; it is ready when it knows where to go on."""
    async with asyncio.TaskGroup() as group:
        group.create_task(persist(INBOX.name, lambda: keep(runtime, INBOX, ready)))
        for each in OTHERS:
            group.create_task(persist(each.name, partial(keep, runtime, each)))
        group.create_task(persist("sweep", lambda: sweep(runtime)))


async def keep(
    runtime: Runtime, projection: Projection, ready: Callable[[], None] = lambda: None
) -> None:
    """Follow the stream from the checkpoint on; raises Transient when it is worth beginning anew, LogLost when not."""
    model = await live(runtime.postgres, projection)
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
                executions = model.prepare(await evolved(projection, batch))
                if applying:
                    await applying
                applying = group.create_task(
                    apply(runtime, model, executions, sequence, batch[-1].sequence)
                )
                sequence = batch[-1].sequence
                await asyncio.sleep(GATHER_SECONDS if len(batch) < GATHER_MESSAGES else 0)


async def evolved(projection: Projection, batch: list[Message]) -> list[Change]:
    """The changes of a batch, a slice at a time: in between, what is being applied gets out to Postgres."""
    changes: list[Change] = []
    for first in range(0, len(batch), SLICE_MESSAGES):
        changes += [
            change
            for message in batch[first : first + SLICE_MESSAGES]
            for change in projection.evolve(message)
        ]
        await asyncio.sleep(0)
    return changes


async def apply(
    runtime: Runtime, model: ReadModel, executions: list[Execution], previous: int, sequence: int
) -> None:
    """One batch and the checkpoint behind it, in one transaction; meanwhile, the next one is being prepared."""
    async with runtime.postgres.transaction() as connection:
        await model.apply(connection, executions, previous, sequence)


async def sweep(runtime: Runtime) -> None:
    """From time to time, delete what nobody can see any more; what is visible never depends on it."""
    while True:
        for projection, statement in SWEEPS:
            model = await live(runtime.postgres, projection)
            async with runtime.postgres.connection() as connection:
                await connection.execute(
                    model.sql(statement), (timedelta(days=runtime.settings.retention_days),)
                )
        await asyncio.sleep(runtime.settings.cleanup_seconds)
