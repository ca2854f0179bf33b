"""The audience of a batch of events: the relations they change, and who stood in them at each event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from contracts.codec import encode
from contracts.events import AnyRecorded
from projections.audience import SEE, changes, seen_key
from services.notifier.rule import Audience, Relation
from services.runtime.postgres import Postgres
from services.runtime.readmodel import Execution, ReadModel

SEEN = "SELECT event::text, sequence FROM {schema}.seen WHERE event = ANY (%s::uuid[])"
SEE_AND_MOVE = f"""
WITH new AS ({SEE.sql} RETURNING sequence),
moved AS (UPDATE {{schema}}.checkpoint SET sequence = %s WHERE partition = %s AND sequence = %s RETURNING 1)
SELECT 1 / (SELECT count(*) FROM moved), (SELECT array_agg(sequence) FROM new)
"""
"""What is new of the events; see `services.runtime.readmodel.MOVE` for the division."""
MEMBERS = """
SELECT m.tenant, m.object, m.relation, m.user_id, m.since, m.until
FROM jsonb_to_recordset(%s::jsonb) AS r (tenant text, object text, relation text)
JOIN {schema}.relation m USING (tenant, object, relation)
WHERE m.since <= %s AND (m.until IS NULL OR m.until > %s)
"""


class Membership(NamedTuple):
    """A user in a relation, from one sequence until before another."""

    user: str
    since: int
    until: int | None


class Folded(NamedTuple):
    """What routing a batch needs to know: which events are duplicates, and the memberships of every relation asked for."""

    duplicates: frozenset[int]
    memberships: dict[tuple[str, Relation], list[Membership]]

    def recipients(self, recorded: AnyRecorded, to: Audience, actor_too: bool) -> list[str]:
        """Who is told, as of the event, in an order that is always the same."""
        users = {user for each in to for user in self._users(recorded, each)}
        if not actor_too:
            users.discard(recorded.attributes.actor or "")
        return sorted(users)

    def members(self, recorded: AnyRecorded, relation: Relation) -> Iterable[str]:
        """Who stands in a relation as of the event."""
        at = recorded.sequence
        memberships = self.memberships.get((recorded.tenant, relation), ())
        return (user for user, since, until in memberships if since <= at and (until is None or at < until))

    def outnumbers(self, recorded: AnyRecorded, relation: Relation, limit: int) -> bool:
        """Whether more than `limit` stand in a relation as of the event."""
        known = len(self.memberships.get((recorded.tenant, relation), ()))
        return known > limit and sum(1 for _ in self.members(recorded, relation)) > limit

    def _users(self, recorded: AnyRecorded, each: str | Relation) -> Iterable[str]:
        return (each,) if isinstance(each, str) else self.members(recorded, each)


class AudienceFold:
    """Folds one partition's events into the audience read model and asks it who is meant."""

    def __init__(self, postgres: Postgres, model: ReadModel, partition: int, checkpoint: int) -> None:
        self._postgres = postgres
        self._model = model
        self._partition = partition
        self._checkpoint = checkpoint

    async def fold(self, batch: Sequence[AnyRecorded], until: int, wanted: set[tuple[str, Relation]]) -> Folded:
        """Fold events up to the sequence `until`; raises Unavailable, or Fenced if another process folds them."""
        keys = [seen_key(recorded) for recorded in batch]
        fresh = ((recorded, key) for recorded, key in zip(batch, keys, strict=True) if recorded.sequence > self._checkpoint)
        executions = self._model.prepare(change for recorded, key in fresh for change in changes(recorded, key))
        if len(executions) == 1 and batch[0].sequence > self._checkpoint:
            folded = await self._see(batch, executions[0], until, wanted)
        else:
            folded = await self._change(batch, keys, executions, until, wanted)
        self._checkpoint = max(self._checkpoint, until)
        return folded

    async def _see(self, batch: Sequence[AnyRecorded], execution: Execution, until: int, wanted: set[tuple[str, Relation]]) -> Folded:
        """Events that change no relation, as most do: one statement, a transaction by itself."""
        async with self._postgres.connection() as connection:
            cursor = await connection.execute(self._model.sql(SEE_AND_MOVE), (execution.rows, until, self._partition, self._checkpoint))
            row = await cursor.fetchone()
            members = await connection.execute(self._model.sql(MEMBERS), _asked(wanted, batch, until)) if wanted else None
            rows = await members.fetchall() if members else []
        new = set[int](row[1] if row and row[1] else ())
        return Folded(frozenset(recorded.sequence for recorded in batch if recorded.sequence not in new), _memberships(rows))

    async def _change(
        self,
        batch: Sequence[AnyRecorded],
        keys: list[str],
        executions: list[Execution],
        until: int,
        wanted: set[tuple[str, Relation]],
    ) -> Folded:
        """The general case: all statements in one transaction and one round trip."""
        async with self._postgres.transaction() as connection:
            if until > self._checkpoint:
                await self._model.apply(connection, executions, self._checkpoint, until, self._partition)
            seen = await connection.execute(self._model.sql(SEEN), (keys,))
            members = await connection.execute(self._model.sql(MEMBERS), _asked(wanted, batch, until)) if wanted else None
            first = {event.replace("-", ""): sequence for event, sequence in await seen.fetchall()}
            rows = await members.fetchall() if members else []
        duplicates = (recorded.sequence for recorded, key in zip(batch, keys, strict=True) if first.get(key) != recorded.sequence)
        return Folded(frozenset(duplicates), _memberships(rows))


def _asked(wanted: set[tuple[str, Relation]], batch: Sequence[AnyRecorded], until: int) -> tuple[str, int, int]:
    rows = [{"tenant": tenant, "object": object_, "relation": name} for tenant, (object_, name) in wanted]
    return encode(rows).decode(), until, batch[0].sequence


def _memberships(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, Relation], list[Membership]]:
    found: dict[tuple[str, Relation], list[Membership]] = defaultdict(list)
    for tenant, object_, name, user, since, until in rows:
        found[tenant, Relation(object_, name)].append(Membership(user, since, until))
    return found
