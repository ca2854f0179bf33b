"""Apply: a batch of entries to a read model, without those that Postgres refuses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tidings.contracts.subjects import DEAD_LETTERS
from tidings.projections.projection import Change, Projection
from tidings.projector.projector_metrics import ProjectorMetrics
from tidings.runtime.errors import RowsRefused, Unavailable
from tidings.runtime.log.dead_letters import append_dead_letter
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import UNPARTITIONED, Execution, ReadModel

SLICE_MESSAGES = 50
SET_ASIDE_LIMIT = 100
"""Entries in a row that may be set aside. More of them are no faulty entries: something else is
wrong, and it must not empty the read model."""

log = logging.getLogger("tidings.projector")


class Batch(NamedTuple):
    """Entries that follow the checkpoint `previous`, and their statements.

    `reached`: the checkpoint after them. `problem` says why there are no statements.
    """

    messages: Sequence[StreamMessage]
    previous: int
    reached: int
    executions: list[Execution] | None
    problem: str = ""


class BatchWriter:
    """Writes the batches of one read model, and sets aside the entries that cannot be rows."""

    def __init__(self, runtime: Runtime, model: ReadModel, partition: int = UNPARTITIONED) -> None:
        self._runtime = runtime
        self._model = model
        self._partition = partition
        self._metrics = runtime.metrics.part(ProjectorMetrics)
        self._in_a_row = (model.schema, partition)

    async def prepare(
        self,
        messages: Sequence[StreamMessage],
        previous: int,
        decode: Callable[[StreamMessage], Any] | None = None,
    ) -> Batch:
        """Compute the statements of a batch; that fails only for one with a faulty entry.

        `decode` takes the place of the projection's own.
        """
        projection, reached = self._model.projection, messages[-1].sequence
        if decode:
            projection = replace(projection, decode=decode)
        try:
            changes = await evolve_batch(projection, messages)
            executions = self._model.prepare_changes(changes)
        except Exception as error:  # pure functions: it is the entry, and always will be
            log.debug("%s: a batch has a faulty entry: %s", projection.name, error)
            return Batch(messages, previous, reached, None, f"{type(error).__name__}: {error}")
        self._metrics.changes.labels(projection.name).inc(len(changes))
        return Batch(messages, previous, reached, executions)

    async def write(self, batch: Batch) -> None:
        """Write a batch with its checkpoint in one transaction; raises Unavailable or Fenced.

        If Postgres refuses it, its halves are tried, down to the entry at fault.
        """
        if batch.executions is not None:
            try:
                await self._commit(batch.executions, batch.previous, batch.reached)
            except RowsRefused as refused:
                reason = str(refused)
            else:
                if batch.executions:  # entries without rows prove nothing
                    self._runtime.set_aside_in_a_row.pop(self._in_a_row, None)
                return
        else:
            reason = batch.problem
        if len(batch.messages) == 1:
            await self._set_aside(batch.messages[0], batch.previous, reason)
            return
        half = len(batch.messages) // 2
        await self.write(await self.prepare(batch.messages[:half], batch.previous))
        await self.write(
            await self.prepare(batch.messages[half:], batch.messages[half - 1].sequence)
        )

    async def _commit(self, executions: list[Execution], previous: int, sequence: int) -> None:
        name = self._model.projection.name
        with self._metrics.batch_seconds.labels(name).time():
            async with self._runtime.postgres.transaction() as connection:
                await self._model.apply_changes(
                    connection, executions, previous, sequence, self._partition
                )
        self._metrics.batches.labels(name).inc()

    async def _set_aside(self, message: StreamMessage, previous: int, reason: str) -> None:
        """Append an entry to `DEAD_LETTERS`, once, with the reason; then go on behind it."""
        name = self._model.projection.name
        if self._runtime.set_aside_in_a_row[self._in_a_row] >= SET_ASIDE_LIMIT:
            raise Unavailable(
                f"{name}: {SET_ASIDE_LIMIT} entries in a row were refused, the last one"
                f" ({message.sequence}) with: {reason}. Not these are at fault; it waits"
            )
        log.warning(
            "%s: entry %d (%s) cannot be a row and is set aside in %s: %s",
            name,
            message.sequence,
            message.subject,
            DEAD_LETTERS,
            reason,
        )
        await append_dead_letter(
            self._runtime.appender(), f"projection-{name}", self._partition, message, reason
        )
        self._metrics.set_aside.labels(name).inc()
        await self._commit([], previous, message.sequence)
        self._runtime.set_aside_in_a_row[self._in_a_row] += 1


async def evolve_batch(projection: Projection, batch: Sequence[StreamMessage]) -> list[Change]:
    """Compute the changes of a batch in slices; between them, the batch before gets to Postgres."""
    changes: list[Change] = []
    for first in range(0, len(batch), SLICE_MESSAGES):
        changes += [
            change
            for message in batch[first : first + SLICE_MESSAGES]
            for change in projection.changes_of(message)
        ]
        await asyncio.sleep(0)
    return changes
