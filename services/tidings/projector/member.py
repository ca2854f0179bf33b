"""A member: one of the projections that follow a stream together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from tidings.projections.projection import Projection
from tidings.projector.apply import Batch, BatchWriter
from tidings.runtime.errors import LogLost, Transient
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.state import state_at_least
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import live_model, rows_beyond_log


class Member:
    """Writes batches of a projection, each while the next one is prepared.

    `sequence` is its checkpoint once all that it was given is written; `failure` says why that will
    not happen.
    """

    def __init__(self, projection: Projection, writer: BatchWriter, sequence: int) -> None:
        self.projection = projection
        self.sequence = sequence
        self.failure: Transient | None = None
        self._writer = writer
        self._writing: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Return whether all that it was given is written."""
        return not self.failure and (self._writing is None or self._writing.done())

    async def prepare(
        self, messages: Sequence[StreamMessage], decode: Callable[[StreamMessage], Any] | None
    ) -> Batch | None:
        """Compute the statements of the messages after its checkpoint, None without any."""
        newer = [message for message in messages if message.sequence > self.sequence]
        return await self._writer.prepare(newer, self.sequence, decode) if newer else None

    async def write(
        self, batch: Batch, group: asyncio.TaskGroup, written: Callable[[], None]
    ) -> None:
        """Wait until the batch before is written, and begin to write this one."""
        if self._writing:
            await self._writing
        if not self.failure:
            self._writing = group.create_task(self._write(batch, written))
            self.sequence = batch.reached

    async def _write(self, batch: Batch, written: Callable[[], None]) -> None:
        try:
            await self._writer.write(batch)
        except Transient as failure:
            self.failure = failure
        else:
            asyncio.get_running_loop().call_soon(written)


async def open_member(runtime: Runtime, projection: Projection) -> Member:
    """Read a projection's checkpoint; raises Transient, or LogLost if the stream ends before it."""
    model = await live_model(runtime.postgres, projection)
    epoch = runtime.epochs[projection.stream]
    sequence = (await model.checkpoint(runtime.postgres, epoch)).sequence
    state = await state_at_least(runtime.jetstream, projection.stream, epoch, sequence)
    if sequence > state.last_sequence:
        raise LogLost(rows_beyond_log(projection, sequence, state.last_sequence))
    return Member(projection, BatchWriter(runtime, model), sequence)
