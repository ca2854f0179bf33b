"""Refused events: applies a batch without those events whose changes Postgres does not store."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from tidings.contracts.event import AnyRecordedEvent
from tidings.notifier.audience.audience import Audience
from tidings.notifier.audience.write_behind import UnsavedEvents
from tidings.projections.projection import Change
from tidings.runtime.errors import RowsRefused, Unavailable
from tidings.runtime.readmodels.postgres import Postgres
from tidings.runtime.readmodels.read_model import Execution

REFUSED_LIMIT_EVENTS = 100
"""Events in a row that Postgres may refuse. More of them are no faulty events: something else is
wrong, and it must not cost their relations."""
REFUSED_BEFORE = "Postgres refused its changes"

log = logging.getLogger("tidings.notifier")


class RefusedEvents:
    """Applies the batches of a partition that Postgres refused, and knows why it refused events.

    `in_a_row` counts the refused events of each partition since one was applied; it outlives
    takeovers.
    """

    def __init__(self, postgres: Postgres, unsaved: UnsavedEvents, in_a_row: Counter[int]) -> None:
        self._postgres = postgres
        self._unsaved = unsaved
        self._in_a_row = in_a_row

    def end_row(self) -> None:
        """Note that an event was applied."""
        self._in_a_row.pop(self._unsaved.partition, None)

    async def apply_others(
        self,
        batch: Sequence[AnyRecordedEvent],
        event_changes: Sequence[Sequence[Change]],
        until: int,
        refusal: RowsRefused,
    ) -> dict[int, str]:
        """Apply the halves of a refused batch, down to the events at fault, which change nothing.

        Return these with the reasons. Raises Fenced, or Unavailable, also if too many are refused
        in a row; the checkpoint is behind what was applied until then.
        """
        if len(batch) == 1:
            self._count(batch[0], str(refusal))
            await self._apply([], until)
            return {batch[0].sequence: str(refusal)}
        half, refused = len(batch) // 2, dict[int, str]()
        for part, changes_of_part, reached in (
            (batch[:half], event_changes[:half], batch[half - 1].sequence),
            (batch[half:], event_changes[half:], until),
        ):
            if reached <= self._unsaved.saved:
                continue
            try:
                await self._apply(newer_executions(self._unsaved, part, changes_of_part), reached)
            except RowsRefused as error:
                refused |= await self.apply_others(part, changes_of_part, reached, error)
            else:
                self.end_row()
        return refused

    async def _apply(self, executions: list[Execution], reached: int) -> None:
        unsaved = self._unsaved
        async with self._postgres.transaction() as connection:
            await unsaved.model.apply_changes(
                connection, executions, unsaved.saved, reached, unsaved.partition
            )
        unsaved.saved = unsaved.applied = reached

    def _count(self, recorded: AnyRecordedEvent, reason: str) -> None:
        partition = self._unsaved.partition
        if self._in_a_row[partition] >= REFUSED_LIMIT_EVENTS:
            raise Unavailable(
                f"{REFUSED_LIMIT_EVENTS} events in a row were refused, the last one"
                f" ({recorded.sequence}) with: {reason}. Not these are at fault; it waits"
            )
        self._in_a_row[partition] += 1
        log.warning("event %d changes nothing: %s", recorded.sequence, reason)


def newer_executions(
    unsaved: UnsavedEvents,
    batch: Sequence[AnyRecordedEvent],
    event_changes: Sequence[Sequence[Change]],
) -> list[Execution]:
    """Return the statements of the events after the checkpoint."""
    return unsaved.model.prepare_changes(
        change
        for recorded, changes in zip(batch, event_changes, strict=True)
        if recorded.sequence > unsaved.saved
        for change in changes
    )


def with_first_seen(
    audience: Audience, asked: Mapping[int, str], first_seen: Mapping[str, int]
) -> Audience:
    """Return an audience with the duplicates of a batch that is applied, and its refused events.

    `asked`: the digests of events by sequence. `first_seen`: the first sequence of a digest; those
    of refused events were never recorded, so they are found again when a batch is routed again.
    """
    first = {sequence: first_seen.get(key) for sequence, key in asked.items()}
    return audience._replace(
        duplicates=frozenset(at for at, seen in first.items() if seen is not None and seen < at),
        refused={at: REFUSED_BEFORE for at, seen in first.items() if seen is None or seen > at},
    )
