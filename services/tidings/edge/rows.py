"""Rows: what the edge reads of people's inboxes in Postgres, many people in one query, with the checkpoint they stand at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.subjects import Person
from tidings.edge.gather import Gather
from tidings.projections.belonging import Belonging
from tidings.projections.inbox import HELD, KEPT, LISTED, VISIBLE, WANTED
from tidings.projections.standing import Standing
from tidings.projections.topics import spans, told
from tidings.runtime.errors import Unavailable
from tidings.runtime.postgres import Connection, Postgres

PAGE_ROWS = 100
PAGE_BYTES = 128 * 1024
LAST = 2**62
LIST_SECONDS = 5
CATCH_UP_SECONDS = 1.0
CATCH_UP_STEP_SECONDS = 0.01

_PEOPLE = "jsonb_to_recordset(%(people)s::jsonb) AS r (place integer, tenant text, user_id text, after bigint, behind bigint, wanted integer)"

STANDINGS = f"""
SELECT r.place, coalesce(json_agg(json_build_array(k.id, k.sequence, least(
        extract(epoch FROM k.expires), extract(epoch FROM k.appended + %(retention)s)),
        json_build_array(k.category, k.type, k.priority, k.entity, k.group_name), k.seen, k.read, k.archived, k.snoozed, k.deleted, k.acted
    )) FILTER (WHERE k.id IS NOT NULL), '[]')::text, (
        SELECT coalesce(json_agg(json_build_array(m.topic, m.since, m.until)), '[]')::text
        FROM inbox.member m WHERE m.tenant = r.tenant AND m.user_id = r.user_id
    )
FROM {_PEOPLE} LEFT JOIN LATERAL {KEPT} k ON true
GROUP BY r.place, r.tenant, r.user_id
"""
CHANGED = f"""
SELECT r.place, c.id::text, c.sequence, c.changed, c.seen, c.read, c.archived, c.snoozed, c.deleted, c.acted, {VISIBLE}, c.body, c.found
FROM {_PEOPLE} CROSS JOIN LATERAL (
    SELECT *, count(*) OVER () AS found, sum(octet_length(body)) OVER (ORDER BY changed, sequence) AS bytes
    FROM {told("(changed, sequence) > (r.after, r.behind)", "changed, sequence", str(PAGE_ROWS + 1))} n
) c WHERE c.bytes - octet_length(c.body) <= {PAGE_BYTES} ORDER BY r.place, c.changed, c.sequence
"""
NEWEST = f"""
SELECT r.place, n.id::text, n.sequence, n.changed, n.seen, n.read, n.archived, n.snoozed, n.deleted, n.acted, true, n.body, 0
FROM {_PEOPLE} CROSS JOIN LATERAL (
    SELECT * FROM {KEPT} k WHERE {VISIBLE} AND {HELD} ORDER BY sequence DESC LIMIT r.wanted
) n ORDER BY r.place, n.sequence DESC
"""
LISTING = f"""
SELECT 0, n.id::text, n.sequence, n.changed, n.seen, n.read, n.archived, n.snoozed, n.deleted, n.acted, true, n.body, 0
FROM {_PEOPLE} CROSS JOIN LATERAL (
    SELECT * FROM {KEPT} k WHERE {VISIBLE} AND {{wanted}}
    ORDER BY sequence DESC LIMIT r.wanted
) n ORDER BY n.sequence DESC
"""
SHORT = f"SET LOCAL statement_timeout = '{LIST_SECONDS}s'".encode()
STANDS_AT = "SELECT (SELECT sequence FROM inbox.checkpoint WHERE epoch = %s), (SELECT swept FROM inbox.horizon)"


class Row(NamedTuple):
    """A notification as its row has it."""

    id: str
    sequence: int
    changed: int
    seen: datetime | None
    read: datetime | None
    archived: datetime | None
    snoozed: datetime | None
    deleted: bool
    acted: str | None
    visible: bool
    body: str


class Question(NamedTuple):
    """Whose rows: those changed after a cursor, or if that is None the newest ones, so many."""

    person: Person
    after: Cursor | None
    wanted: int = 0


class Wanted(NamedTuple):
    """Of a list (None: of all) the newest that fit everything that is asked (`WANTED`), so many."""

    shown: str | None
    limit: int
    asked: dict[str, Any]

    @property
    def sql(self) -> bytes:
        """The query, with what is asked as its parameters."""
        predicates = [LISTED[self.shown]] if self.shown else []
        return LISTING.format(
            wanted=" AND ".join([*predicates, *(WANTED[name] for name in self.asked)])
        ).encode()


class Answer(NamedTuple):
    """A person's rows, how everything of theirs stands and to which topics they belong, as at a checkpoint.

    Before `horizon` rows were swept away. `more`: of those changed after the cursor, these are only the first.
    """

    checkpoint: int
    horizon: int
    standings: list[Standing]
    belonging: Belonging
    rows: list[Row]
    more: bool = False


class Rows:
    """Gathered reads. Raises Unavailable when Postgres is away."""

    def __init__(self, postgres: Postgres, epoch: str, retention: timedelta, limit: int) -> None:
        self._postgres = postgres
        self._epoch = epoch
        self._parameters: dict[str, Any] = {"retention": retention, "limit": limit}
        self._gather: Gather[Question, Answer] = Gather(self._answer)

    async def read(self, question: Question) -> Answer:
        """One person's rows."""
        return await self._gather.ask(question)

    async def listing(
        self, person: Person, wanted: Wanted, newest: Callable[[Belonging], int]
    ) -> Answer:
        """A list, waiting a second at most until the rows have come to the newest entry; raises Unavailable."""
        loop = asyncio.get_running_loop()
        until = loop.time() + CATCH_UP_SECONDS
        answer = await self._listing(person, wanted)
        while answer.checkpoint < newest(answer.belonging) and loop.time() < until:
            await asyncio.sleep(CATCH_UP_STEP_SECONDS)
            answer = await self._listing(person, wanted)
        return answer

    async def _listing(self, person: Person, wanted: Wanted) -> Answer:
        parameters = {
            **wanted.asked,
            **self._parameters,
            "people": _people([Question(person, None, wanted.limit)]),
        }
        async with self._postgres.snapshot() as connection:
            await connection.execute(SHORT)
            checkpoint, horizon = await _stands_at(connection, self._epoch)
            standings = await (await connection.execute(STANDINGS.encode(), parameters)).fetchone()
            rows = await (await connection.execute(wanted.sql, parameters)).fetchall()
        return Answer(checkpoint, horizon, *_stands(person, standings), _page(rows))

    async def _answer(self, questions: list[Question]) -> list[Answer]:
        async with self._postgres.snapshot() as connection:
            checkpoint, horizon = await _stands_at(connection, self._epoch)
            people = {**self._parameters, "people": _people(questions)}
            standings = await (await connection.execute(STANDINGS.encode(), people)).fetchall()
            rows = await self._rows(connection, questions, newest=False) + await self._rows(
                connection, questions, newest=True
            )
        standing = {row[0]: row for row in standings}
        found: dict[int, list[tuple[Any, ...]]] = {place: [] for place in range(len(questions))}
        for row in rows:
            found[row[0]].append(row)
        return [
            Answer(
                checkpoint,
                horizon,
                *_stands(questions[place].person, standing.get(place)),
                _page(each),
                _more(each),
            )
            for place, each in found.items()
        ]

    async def _rows(
        self, connection: Connection, questions: list[Question], *, newest: bool
    ) -> list[tuple[Any, ...]]:
        if not any((question.after is None) == newest for question in questions):
            return []
        query = NEWEST if newest else CHANGED
        return await (
            await connection.execute(
                query.encode(), {**self._parameters, "people": _people(questions, newest)}
            )
        ).fetchall()


async def _stands_at(connection: Connection, epoch: str) -> tuple[int, int]:
    row = await (await connection.execute(STANDS_AT, (epoch,))).fetchone()
    if row is None or row[0] is None:
        raise Unavailable("the rows are not of this log")
    return row[0], row[1] or 0


def _stands(person: Person, row: tuple[Any, ...] | None) -> tuple[list[Standing], Belonging]:
    if row is None:
        return [], Belonging()
    return msgspec.json.decode(row[1], type=list[Standing]), Belonging(spans(person.tenant, row[2]))


def _page(rows: list[tuple[Any, ...]]) -> list[Row]:
    return [Row(*row[1:-1]) for row in rows[:PAGE_ROWS]]


def _more(rows: list[tuple[Any, ...]]) -> bool:
    """Whether more rows were found than are told."""
    return bool(rows) and rows[-1][-1] > min(len(rows), PAGE_ROWS)


def _people(questions: list[Question], newest: bool | None = None) -> str:
    rows = [
        {
            "place": place,
            "tenant": person.tenant,
            "user_id": person.user,
            "wanted": wanted,
            **_after(after),
        }
        for place, (person, after, wanted) in enumerate(questions)
        if newest is None or (after is None) == newest
    ]
    return encode(rows).decode()


def _after(cursor: Cursor | None) -> dict[str, int]:
    """Behind which row to begin: in the middle of a sequence's rows only within a compact replay."""
    return (
        {"after": cursor.sequence, "behind": cursor.row if cursor.until else LAST} if cursor else {}
    )
