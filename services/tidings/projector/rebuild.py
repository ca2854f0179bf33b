"""Rebuild: builds a read model anew from the log beside the live one, then swaps them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from tidings.projections.projection import Projection
from tidings.projector.apply import BatchWriter
from tidings.projector.projector import BATCH_MESSAGES
from tidings.runtime.log.follow import follow
from tidings.runtime.log.read import last_message
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import (
    UNPARTITIONED,
    ReadModel,
    create_model,
    live_model,
    make_live,
)


async def rebuild_read_model(
    runtime: Runtime, projection: Projection, progress: Callable[[int, int], None]
) -> tuple[str, str]:
    """Build, catch up and swap; return the schema before and the one now live.

    `progress` is called with the sequence reached and the last one.
    """
    before = await live_model(runtime.postgres, projection, of_any_version=True)
    model = await create_model(runtime.postgres, projection)
    target = (await stream_state(runtime.jetstream, projection.stream)).last_sequence
    partitions = range(runtime.settings.partitions) if projection.partitioned else (UNPARTITIONED,)
    for partition in partitions:
        await _rebuild_partition(runtime, model, partition, target, progress)
    await make_live(runtime.postgres, model)
    return before.schema, model.schema


async def _rebuild_partition(
    runtime: Runtime,
    model: ReadModel,
    partition: int,
    target: int,
    progress: Callable[[int, int], None],
) -> None:
    """Apply a partition up to the head at the start; the live process goes on from there."""
    projection = model.projection
    epoch = runtime.epochs[projection.stream]
    sequence = (await model.checkpoint(runtime.postgres, epoch, partition)).sequence
    subjects = tuple(subject.format(partition=partition) for subject in projection.subjects)
    newest = [
        found.sequence
        for subject in subjects
        if (found := await last_message(runtime.jetstream, projection.stream, subject))
    ]
    if not newest:
        return
    writer = BatchWriter(runtime, model, partition)
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
            await writer.write(await writer.prepare(batch, sequence))
            sequence = batch[-1].sequence
            progress(sequence, target)
            if sequence >= max(newest):
                return
