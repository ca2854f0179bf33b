"""The audience of a batch of events: the relations they change, and who stood in them at each event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from contracts.codec import encode
from contracts.events import AnyRecorded
from projections.audience import changes, seen_key
from services.notifier.rule import Audience, Relation
from services.runtime.postgres import Postgres
from services.runtime.readmodel import ReadModel

SEEN = "SELECT event::text, sequence FROM {schema}.seen WHERE event = ANY (%s::uuid[])"
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

    def _users(self, recorded: AnyRecorded, each: str | Relation) -> Iterable[str]:
        if isinstance(each, str):
            return (each,)
        at = recorded.sequence
        memberships = self.memberships.get((recorded.tenant, each), ())
        return (user for user, since, until in memberships if since <= at and (until is None or at < until))


class AudienceFold:
    """Folds one partition's events into the audience read model and asks it, both in one round trip."""

    def __init__(self, postgres: Postgres, model: ReadModel, partition: int, checkpoint: int) -> None:
        self._postgres = postgres
        self._model = model
        self._partition = partition
        self._checkpoint = checkpoint

    async def fold(self, batch: Sequence[AnyRecorded], until: int, wanted: set[tuple[str, Relation]]) -> Folded:
        """Fold events up to the sequence `until`; raises Unavailable, or Fenced if another process folds them."""
        keys = [seen_key(recorded) for recorded in batch]
        async with self._postgres.transaction() as connection:
            if until > self._checkpoint:
                fresh = ((recorded, key) for recorded, key in zip(batch, keys, strict=True) if recorded.sequence > self._checkpoint)
                changed = (change for recorded, key in fresh for change in changes(recorded, key))
                await self._model.apply(connection, self._model.prepare(changed), self._checkpoint, until, self._partition)
            seen = await connection.execute(self._model.sql(SEEN), (keys,))
            members = await connection.execute(self._model.sql(MEMBERS), _asked(wanted, batch, until)) if wanted else None
            first = {event.replace("-", ""): sequence for event, sequence in await seen.fetchall()}
            rows = await members.fetchall() if members else []
        self._checkpoint = max(self._checkpoint, until)
        duplicates = frozenset(recorded.sequence for recorded, key in zip(batch, keys, strict=True) if first.get(key) != recorded.sequence)
        return Folded(duplicates, _memberships(rows))


def _asked(wanted: set[tuple[str, Relation]], batch: Sequence[AnyRecorded], until: int) -> tuple[str, int, int]:
    rows = [{"tenant": tenant, "object": object_, "relation": name} for tenant, (object_, name) in wanted]
    return encode(rows).decode(), until, batch[0].sequence


def _memberships(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, Relation], list[Membership]]:
    found: dict[tuple[str, Relation], list[Membership]] = defaultdict(list)
    for tenant, object_, name, user, since, until in rows:
        found[tenant, Relation(object_, name)].append(Membership(user, since, until))
    return found
