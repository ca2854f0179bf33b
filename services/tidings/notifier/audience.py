"""The audience of a batch of events: the relations they change, and who stood in them at each event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tidings.contracts.codec import encode
from tidings.contracts.events import AnyRecorded
from tidings.notifier.groups import CLOSED, STOOD, Groups, Open, parameters
from tidings.notifier.rule import Audience, Relation
from tidings.projections.audience import changes
from tidings.projections.groups import belongs
from tidings.projections.relations import LOCALE
from tidings.projections.seen import SEE, seen_key
from tidings.runtime.postgres import Connection, Postgres
from tidings.runtime.readmodel import Execution, ReadModel

SEEN = "SELECT event::text, sequence FROM {schema}.seen WHERE event = ANY (%s::uuid[])"
SEE_AND_MOVE = f"""
WITH new AS ({SEE.sql} RETURNING sequence),
moved AS (UPDATE {{schema}}.checkpoint SET sequence = %s WHERE partition = %s AND sequence = %s RETURNING 1)
SELECT 1 / (SELECT count(*) FROM moved), (SELECT array_agg(sequence) FROM new)
"""
"""What is new of the events; see `tidings.runtime.readmodel.MOVE` for the division."""
MEMBERS = f"""
WITH member AS (
    SELECT m.*, r.translated FROM jsonb_to_recordset(%s::jsonb) AS r (tenant text, object text, relation text, translated boolean)
    JOIN {{schema}}.relation m USING (tenant, object, relation)
    WHERE m.since <= %s AND (m.until IS NULL OR m.until >= %s)
), told AS (
    SELECT tenant, user_id FROM member WHERE translated
    UNION SELECT tenant, user_id FROM jsonb_to_recordset(%s::jsonb) AS u (tenant text, user_id text)
)
SELECT false, tenant, object, relation, user_id, since, until FROM member
UNION ALL
SELECT true, tenant, object, relation, user_id, since, until FROM told JOIN {{schema}}.relation l USING (tenant, user_id)
WHERE l.object = '{LOCALE}' AND l.since <= %s AND (l.until IS NULL OR l.until > %s)
"""
"""The members asked for, and which locale they and the users asked for spoke when."""


class Membership(NamedTuple):
    """A user in a relation, from one sequence until before another."""

    user: str
    since: int
    until: int | None


class Spoken(NamedTuple):
    """A locale that a user spoke from one sequence until before another."""

    locale: str
    since: int
    until: int | None


class Asked:
    """What is asked about a batch: the members of relations, and the locales of users, and of those members who are told in our words."""

    def __init__(self) -> None:
        self._relations: dict[tuple[str, Relation], bool] = {}
        self._users: set[tuple[str, str]] = set()
        self.groups: dict[int, tuple[str, str, Relation]] = {}

    def __bool__(self) -> bool:
        return bool(self._relations or self._users)

    def members(self, tenant: str, relation: Relation, translated: bool) -> None:
        """Ask for those in a relation."""
        self._relations[tenant, relation] = translated or self._relations.get(
            (tenant, relation), False
        )

    def group(self, recorded: AnyRecorded, group: str, relation: Relation) -> None:
        """Ask how a group stands for each of those in a relation, as of an event that belongs to it."""
        self.groups[recorded.sequence] = (recorded.tenant, group, relation)

    def users(self, tenant: str, users: Iterable[str]) -> None:
        """Ask for what these users speak."""
        for user in users:
            self._users.add((tenant, user))

    def parameters(self, since: int, until: int) -> tuple[str, int, int, str, int, int]:
        """For `MEMBERS`: what is asked, and the sequences of the batch."""
        asked = self._relations.items()
        relations = [
            {"tenant": of, "object": each.object, "relation": each.name, "translated": told}
            for (of, each), told in asked
        ]
        users = [{"tenant": tenant, "user_id": user} for tenant, user in self._users]
        return encode(relations).decode(), until, since, encode(users).decode(), until, since


class Folded(NamedTuple):
    """What routing a batch needs to know: which events are duplicates, who stood in the relations asked for, who spoke what."""

    duplicates: frozenset[int]
    memberships: dict[tuple[str, Relation], list[Membership]]
    spoken: dict[tuple[str, str], list[Spoken]] = {}  # noqa: RUF012  never written to
    opened: dict[int, dict[str, Open]] = {}  # noqa: RUF012  never written to

    def recipients(
        self, recorded: AnyRecorded, to: Audience, but: str | None, *, before: bool = False
    ) -> list[str]:
        """Who is told, as of the event or just `before` it, in an order that is always the same; one may be left out."""
        users = {user for each in to for user in self._users(recorded, each, before)}
        return sorted(users - {but})

    def members(
        self, recorded: AnyRecorded, relation: Relation, *, before: bool = False
    ) -> Iterable[str]:
        """Who stands in a relation as of the event, or stood in it just `before`."""
        at = recorded.sequence - before
        memberships = self.memberships.get((recorded.tenant, relation), ())
        return (
            user
            for user, since, until in memberships
            if since <= at and (until is None or at < until)
        )

    def standing(self, recorded: AnyRecorded, relation: Relation) -> list[tuple[str, int]]:
        """Who stands in a relation as of the event, but for whoever the event is by, and since when."""
        at, found = recorded.sequence, belongs(recorded)
        memberships = self.memberships.get((recorded.tenant, relation), ())
        stands = (
            (user, since)
            for user, since, until in memberships
            if since <= at and (until is None or at < until)
        )
        return [(user, since) for user, since in stands if not found or user != found.actor]

    def locale(self, recorded: AnyRecorded, user: str) -> str:
        """What a user speaks as of the event; empty if nobody said."""
        at = recorded.sequence
        for locale, since, until in self.spoken.get((recorded.tenant, user), ()):
            if since <= at and (until is None or at < until):
                return locale
        return ""

    def outnumbers(self, recorded: AnyRecorded, relation: Relation, limit: int) -> bool:
        """Whether more than `limit` stand in a relation as of the event."""
        known = len(self.memberships.get((recorded.tenant, relation), ()))
        return known > limit and sum(1 for _ in self.members(recorded, relation)) > limit

    def _users(self, recorded: AnyRecorded, each: str | Relation, before: bool) -> Iterable[str]:
        return (each,) if isinstance(each, str) else self.members(recorded, each, before=before)


class AudienceFold:
    """Folds one partition's events into the audience read model and asks it who is meant."""

    def __init__(
        self, postgres: Postgres, model: ReadModel, partition: int, checkpoint: int
    ) -> None:
        self._postgres = postgres
        self._model = model
        self._partition = partition
        self._checkpoint = checkpoint

    async def fold(self, batch: Sequence[AnyRecorded], until: int, wanted: Asked) -> Folded:
        """Fold events up to the sequence `until`; raises Unavailable, or Fenced if another process folds them."""
        keys = [seen_key(recorded) for recorded in batch]
        fresh = (
            (recorded, key)
            for recorded, key in zip(batch, keys, strict=True)
            if recorded.sequence > self._checkpoint
        )
        executions = self._model.prepare(
            change for recorded, key in fresh for change in changes(recorded, key)
        )
        if len(executions) == 1 and batch[0].sequence > self._checkpoint:
            folded = await self._see(batch, executions[0], until, wanted)
        else:
            folded = await self._change(batch, keys, executions, until, wanted)
        self._checkpoint = max(self._checkpoint, until)
        return folded

    async def _see(
        self, batch: Sequence[AnyRecorded], execution: Execution, until: int, wanted: Asked
    ) -> Folded:
        """Events that change no relation, as most do: one statement, a transaction by itself."""
        async with self._postgres.connection() as connection:
            cursor = await connection.execute(
                self._model.sql(SEE_AND_MOVE),
                (execution.rows, until, self._partition, self._checkpoint),
            )
            row = await cursor.fetchone()
            members = (
                await connection.execute(
                    self._model.sql(MEMBERS), wanted.parameters(batch[0].sequence, until)
                )
                if wanted
                else None
            )
            rows = await members.fetchall() if members else []
        new = set[int](row[1] if row and row[1] else ())
        return answered(
            (recorded.sequence for recorded in batch if recorded.sequence not in new), rows
        )

    async def _change(
        self,
        batch: Sequence[AnyRecorded],
        keys: list[str],
        executions: list[Execution],
        until: int,
        wanted: Asked,
    ) -> Folded:
        """The general case: all statements in one transaction and one round trip."""
        async with self._postgres.transaction() as connection:
            if until > self._checkpoint:
                await self._model.apply(
                    connection, executions, self._checkpoint, until, self._partition
                )
            seen = await connection.execute(self._model.sql(SEEN), (keys,))
            members = (
                await connection.execute(
                    self._model.sql(MEMBERS), wanted.parameters(batch[0].sequence, until)
                )
                if wanted
                else None
            )
            first = {event.replace("-", ""): sequence for event, sequence in await seen.fetchall()}
            rows = await members.fetchall() if members else []
            groups = await self._groups(connection, batch, until, wanted) if wanted.groups else None
        duplicates = (
            recorded.sequence
            for recorded, key in zip(batch, keys, strict=True)
            if first.get(key) != recorded.sequence
        )
        folded = answered(duplicates, rows)
        return folded._replace(opened=_opened(batch, wanted, folded, groups)) if groups else folded

    async def _groups(
        self, connection: Connection, batch: Sequence[AnyRecorded], until: int, wanted: Asked
    ) -> Groups:
        asked = parameters(wanted.groups.values(), batch[0].sequence, until)
        stood = await connection.execute(self._model.sql(STOOD), asked)
        closed = await connection.execute(self._model.sql(CLOSED), asked)
        return Groups(await stood.fetchall(), await closed.fetchall())


def _opened(
    batch: Sequence[AnyRecorded], wanted: Asked, folded: Folded, groups: Groups
) -> dict[int, dict[str, Open]]:
    """How the groups of a batch's events stand with each of them."""
    found: dict[int, dict[str, Open]] = {}
    for recorded in batch:
        if recorded.sequence in wanted.groups and recorded.sequence not in folded.duplicates:
            _, _, relation = wanted.groups[recorded.sequence]
            found[recorded.sequence] = groups.take(recorded, folded.standing(recorded, relation))
    return found


async def ask(
    postgres: Postgres, model: ReadModel, wanted: Asked, since: int, until: int
) -> Folded:
    """What is asked about events that were folded before, between two sequences; raises Unavailable."""
    async with postgres.connection() as connection:
        members = await connection.execute(model.sql(MEMBERS), wanted.parameters(since, until))
        return answered((), await members.fetchall())


def answered(duplicates: Iterable[int], rows: Iterable[tuple[Any, ...]]) -> Folded:
    """What the rows of `MEMBERS` say."""
    memberships: dict[tuple[str, Relation], list[Membership]] = defaultdict(list)
    spoken: dict[tuple[str, str], list[Spoken]] = defaultdict(list)
    for speaks, tenant, object_, name, user, since, until in rows:
        if speaks:
            spoken[tenant, user].append(Spoken(name, since, until))
        else:
            memberships[tenant, Relation(object_, name)].append(Membership(user, since, until))
    return Folded(frozenset(duplicates), memberships, spoken)
