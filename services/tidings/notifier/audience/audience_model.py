"""The audience read model: applies one partition's events and answers who their audience is."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from psycopg import AsyncCursor
from tidings.contracts.event import AnyRecordedEvent
from tidings.notifier.audience.audience import (
    Audience,
    AudienceQuery,
)
from tidings.notifier.audience.audience_cache import AudienceCache
from tidings.notifier.audience.groups import Groups, OpenGroup, group_parameters
from tidings.notifier.audience.known_events import KnownEvents
from tidings.notifier.audience.member_rows import parse_members
from tidings.notifier.audience.refused_events import (
    RefusedEvents,
    newer_executions,
    with_first_seen,
)
from tidings.notifier.audience.write_behind import (
    UnsavedEvents,
    WriteBehind,
    record_parameters,
)
from tidings.projections.audience.projection import changes
from tidings.projections.audience.queries import (
    FIRST_SEEN,
    GROUP_CLOSINGS,
    MEMBERS_AND_READERS,
    OPEN_GROUPS,
    RECORD_SEEN_AND_MOVE,
)
from tidings.projections.dedup import event_digest
from tidings.projections.projection import Change
from tidings.runtime.errors import RowsRefused
from tidings.runtime.readmodels.postgres import Postgres, PostgresConnection
from tidings.runtime.readmodels.read_model import Execution, ReadModel

IN_MEMORY_LIMIT_EVENTS = 64
"""Larger batches are applied in Postgres while the batch before is being written."""

UNRECORDED_LIMIT_EVENTS = 1000
"""As many events of a partition wait to be recorded; while Postgres is slow, the next one waits."""


class AudienceModel:
    """Applies one partition's events to the audience read model, and queries it.

    Events that are certainly new and change no relation, as most do, are applied in memory if the
    answer to their query is known; `write_behind` records them a moment later.
    """

    def __init__(
        self,
        postgres: Postgres,
        model: ReadModel,
        partition: int,
        checkpoint: int,
        write_behind: WriteBehind | None = None,
        known_events: KnownEvents | None = None,
    ) -> None:
        """Without `known_events` every batch is applied in Postgres."""
        self._postgres = postgres
        self._model = model
        self._partition = partition
        self._write_behind = write_behind or WriteBehind(postgres)
        self._known = known_events or KnownEvents(postgres, self._write_behind.flush_all)
        self._unsaved = UnsavedEvents(model, partition, checkpoint)
        self._coverage = self._known.open_coverage(model, partition, checkpoint)
        self._cache = AudienceCache()
        self._refused = RefusedEvents(postgres, self._unsaved, self._write_behind.refused_in_a_row)

    async def apply_batch(
        self, batch: Sequence[AnyRecordedEvent], until: int, query: AudienceQuery
    ) -> Audience:
        """Apply events up to the sequence `until` and return their audience.

        Raises Unavailable, or Fenced if another process applies them.
        """
        applied = self.apply_at_once(batch, until, query)
        return applied if isinstance(applied, Audience) else await applied

    def apply_at_once(
        self, batch: Sequence[AnyRecordedEvent], until: int, query: AudienceQuery
    ) -> Audience | Coroutine[Any, Any, Audience]:
        """Apply events as `apply_batch` in memory, or return what applies them in Postgres."""
        self._unsaved.raise_problem()
        keys = [event_digest(recorded) for recorded in batch]
        event_changes = [
            list(changes(recorded, key)) for recorded, key in zip(batch, keys, strict=True)
        ]
        if self._are_plain(batch, keys, event_changes) and (
            audience := self._cache.find_audience(query)
        ):
            self._apply_in_memory(keys, event_changes, until)
            return audience
        return self._apply_in_postgres(batch, keys, event_changes, until, query)

    def unsaved_past(self, sequence: int) -> UnsavedEvents | None:
        """Return what to record, None if the checkpoint in Postgres is after `sequence` already."""
        return self._unsaved if self._unsaved.saved <= sequence else None

    async def record_past(self, sequence: int) -> None:
        """Record what is applied, unless the checkpoint in Postgres is after `sequence` already.

        Raises Unavailable or Fenced.
        """
        if unsaved := self.unsaved_past(sequence):
            await self._write_behind.flush(unsaved)

    def raise_problem(self) -> None:
        """Raise Unavailable or Fenced if applied events could not be recorded."""
        self._unsaved.raise_problem()

    async def close(self) -> None:
        """Leave the partition; what is not recorded is applied again by its next leader."""
        self._write_behind.discard(self._unsaved)
        try:
            # The next leader may be in this process: it reads the checkpoint that is recorded.
            await self._write_behind.wait_until_settled()
        finally:
            self._known.close_coverage(self._coverage, self._unsaved.saved)

    def _are_plain(
        self,
        batch: Sequence[AnyRecordedEvent],
        keys: Sequence[str],
        event_changes: Sequence[Sequence[Change]],
    ) -> bool:
        """Return whether these are a few new events, which change nothing but what was seen."""
        return (
            0 < len(batch) <= IN_MEMORY_LIMIT_EVENTS
            and len(self._unsaved.changes) < UNRECORDED_LIMIT_EVENTS
            and batch[0].sequence > self._unsaved.applied
            and all(len(each) == 1 for each in event_changes)
            and self._known.are_new(self._coverage, keys)
        )

    def _apply_in_memory(
        self, keys: Sequence[str], event_changes: Iterable[Iterable[Change]], until: int
    ) -> None:
        self._known.add(keys)
        self._unsaved.changes += chain.from_iterable(event_changes)
        self._unsaved.applied = until
        self._write_behind.flush_soon(self._unsaved)

    async def _apply_in_postgres(
        self,
        batch: Sequence[AnyRecordedEvent],
        keys: list[str],
        event_changes: Sequence[Sequence[Change]],
        until: int,
        query: AudienceQuery,
    ) -> Audience:
        await self._write_behind.flush(self._unsaved)
        checkpoint = self._unsaved.saved
        executions = newer_executions(self._unsaved, batch, event_changes)
        self._cache.drop_tenants(
            recorded.tenant
            for recorded, each in zip(batch, event_changes, strict=True)
            if len(each) > 1
        )
        try:
            if len(executions) == 1 and batch[0].sequence > checkpoint:
                audience = await self._record_seen(batch, executions[0], until, query)
            else:
                asked = self._possibly_recorded(batch, keys)
                audience = await self._apply_changes(batch, asked, executions, until, query)
        except RowsRefused as refused:
            if until <= checkpoint:
                raise
            reasons = await self._refused.apply_others(batch, event_changes, until, refused)
            every = dict(zip((recorded.sequence for recorded in batch), keys, strict=True))
            audience = await self._apply_changes(batch, every, [], until, query)
            audience = audience._replace(refused={**audience.refused, **reasons})
        else:
            self._refused.end_row()
        self._known.add(keys)
        if until >= checkpoint:
            self._unsaved.saved = self._unsaved.applied = until
            self._cache.store(query, audience)
        return audience

    async def _record_seen(
        self,
        batch: Sequence[AnyRecordedEvent],
        execution: Execution,
        until: int,
        query: AudienceQuery,
    ) -> Audience:
        """Apply events that change no relation in one statement."""
        move = (self._partition, until, self._unsaved.saved)
        async with self._postgres.connection() as connection:
            cursor = await connection.execute(
                self._model.sql(RECORD_SEEN_AND_MOVE), record_parameters(execution.rows, [move])
            )
            row = await cursor.fetchone()
            members = await self._query_members(connection, batch, until, query)
            rows = await members.fetchall() if members else []
        new = set[int](row[1] if row and row[1] else ())
        return parse_members(
            (recorded.sequence for recorded in batch if recorded.sequence not in new), rows
        )

    def _possibly_recorded(
        self, batch: Sequence[AnyRecordedEvent], keys: Sequence[str]
    ) -> dict[int, str]:
        """Return the digests of events, by sequence, that may be recorded, or refused, before."""
        possible = self._known.possibly_known(self._coverage, keys)
        return {
            recorded.sequence: key
            for recorded, key in zip(batch, keys, strict=True)
            if recorded.sequence <= self._unsaved.saved or key in possible
        }

    async def _apply_changes(
        self,
        batch: Sequence[AnyRecordedEvent],
        asked: Mapping[int, str],
        executions: list[Execution],
        until: int,
        query: AudienceQuery,
    ) -> Audience:
        """Apply events that change relations: all statements in one transaction and round trip.

        `asked`: the digests of those events, by sequence, that may be duplicates or refused.
        """
        async with self._postgres.transaction() as connection:
            if until > self._unsaved.saved:
                await self._model.apply_changes(
                    connection, executions, self._unsaved.saved, until, self._partition
                )
            first_seen = await connection.execute(self._model.sql(FIRST_SEEN), ([*asked.values()],))
            members = await self._query_members(connection, batch, until, query)
            first = {
                event.replace("-", ""): sequence for event, sequence in await first_seen.fetchall()
            }
            rows = await members.fetchall() if members else []
            groups = (
                await self._query_groups(connection, batch, until, query) if query.groups else None
            )
        audience = with_first_seen(parse_members((), rows), asked, first)
        return (
            audience._replace(open_groups=_groups_opened_by(batch, query, audience, groups))
            if groups
            else audience
        )

    async def _query_members(
        self,
        connection: PostgresConnection,
        batch: Sequence[AnyRecordedEvent],
        until: int,
        query: AudienceQuery,
    ) -> AsyncCursor[tuple[Any, ...]] | None:
        if not query:
            return None
        return await connection.execute(
            self._model.sql(MEMBERS_AND_READERS), query.sql_parameters(batch[0].sequence, until)
        )

    async def _query_groups(
        self,
        connection: PostgresConnection,
        batch: Sequence[AnyRecordedEvent],
        until: int,
        query: AudienceQuery,
    ) -> Groups:
        parameters = group_parameters(query.groups.values(), batch[0].sequence, until)
        open_groups = await connection.execute(self._model.sql(OPEN_GROUPS), parameters)
        closings = await connection.execute(self._model.sql(GROUP_CLOSINGS), parameters)
        return Groups(await open_groups.fetchall(), await closings.fetchall())


def _groups_opened_by(
    batch: Sequence[AnyRecordedEvent], query: AudienceQuery, audience: Audience, groups: Groups
) -> dict[int, dict[str, OpenGroup]]:
    """Return the open groups of each recipient, for each event of a batch that belongs to one."""
    found: dict[int, dict[str, OpenGroup]] = {}
    for recorded in batch:
        if recorded.sequence in query.groups and audience.counts(recorded):
            _, _, relation = query.groups[recorded.sequence]
            found[recorded.sequence] = groups.apply_event(
                recorded, audience.members_since(recorded, relation)
            )
    return found
