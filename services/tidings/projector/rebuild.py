"""Rebuild: a read model built anew from the log beside the live one, then swapped with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from tidings.projections.projection import Projection
from tidings.projector.projector import BATCH_MESSAGES
from tidings.runtime.follow import follow, state
from tidings.runtime.process import Runtime
from tidings.runtime.read import last
from tidings.runtime.readmodel import WHOLE, ReadModel, build, live, swap


async def rebuild(
    runtime: Runtime, projection: Projection, progress: Callable[[int, int], None]
) -> tuple[str, str]:
    """Build, catch up, swap; returns the schema before and the one now live. `progress` is told sequences: come to, of."""
    before = await live(runtime.postgres, projection, of_any_version=True)
    model = await build(runtime.postgres, projection)
    target = (await state(runtime.jetstream, projection.stream)).last
    partitions = range(runtime.settings.partitions) if projection.partitioned else (WHOLE,)
    for partition in partitions:
        await _fold(runtime, model, partition, target, progress)
    await swap(runtime.postgres, model)
    return before.schema, model.schema


async def _fold(
    runtime: Runtime,
    model: ReadModel,
    partition: int,
    target: int,
    progress: Callable[[int, int], None],
) -> None:
    """Fold a partition from the beginning up to what was the head when we began; whoever keeps it up goes on from there."""
    projection = model.projection
    epoch = runtime.epochs[projection.stream]
    sequence = (await model.checkpoint(runtime.postgres, epoch, partition)).sequence
    subjects = tuple(subject.format(partition=partition) for subject in projection.subjects)
    newest = [
        found.sequence
        for subject in subjects
        if (found := await last(runtime.jetstream, projection.stream, subject))
    ]
    if not newest:
        return
    batches = follow(
        runtime.jetstream,
        projection.stream,
        subjects,
        after=sequence,
        epoch=epoch,
        limit=BATCH_MESSAGES,
    )
    async with aclosing(batches):
        async for batch in batches:
            if not batch:
                continue
            changes = (change for message in batch for change in projection.evolve(message))
            async with runtime.postgres.transaction() as connection:
                await model.apply(
                    connection, model.prepare(changes), sequence, batch[-1].sequence, partition
                )
            sequence = batch[-1].sequence
            progress(sequence, target)
            if sequence >= max(newest):
                return
