"""Inbox queries: rows of many users in one query, with the checkpoint that they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.subjects import Person
from tidings.edge.delivery.batcher import Batcher
from tidings.projections.inbox.inbox_state import NotificationState
from tidings.projections.inbox.queries import (
    INBOX_POSITION,
    INBOX_STATE,
    NEWEST_NOTIFICATIONS,
    changed_notifications,
    listed_notifications,
)
from tidings.projections.inbox.shared_rows import parse_intervals
from tidings.projections.inbox.topic_memberships import TopicMemberships
from tidings.runtime.errors import Unavailable
from tidings.runtime.readmodels.postgres import Postgres, PostgresConnection

PAGE_ROWS = 100
PAGE_BYTES = 128 * 1024
LAST_ROW = 2**62
STATEMENT_TIMEOUT_SECONDS = 5
CATCH_UP_TIMEOUT_SECONDS = 1.0
CATCH_UP_POLL_SECONDS = 0.01

CHANGED = changed_notifications(PAGE_ROWS + 1, PAGE_BYTES)
STATEMENT_TIMEOUT = f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'".encode()


class NotificationRow(NamedTuple):
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


class InboxQuery(NamedTuple):
    """Rows of a user: those changed after a cursor, or with None the newest `limit` ones.

    After a cursor at `LAST_ROW` there are none; the states are read anyway.
    """

    person: Person
    after: Cursor | None
    limit: int = 0

    def reads_rows(self, *, newest: bool) -> bool:
        """Return whether it reads the newest rows, or changed ones."""
        return newest if self.after is None else not newest and self.after.sequence < LAST_ROW


class ListFilter(NamedTuple):
    """The newest `limit` rows of a list, or with None of all, that match every value.

    Keys of `values` are those of `FILTER_CONDITIONS`.
    """

    list_name: str | None
    limit: int
    values: dict[str, Any]

    @property
    def sql(self) -> bytes:
        """Return the query; its parameters are `values`."""
        return listed_notifications(self.list_name, self.values).encode()


class InboxPage(NamedTuple):
    """A user's rows, notification states and topic memberships at a checkpoint.

    Rows before `horizon` were swept away. `more`: there are further changed rows.
    """

    checkpoint: int
    horizon: int
    states: list[NotificationState]
    memberships: TopicMemberships
    rows: list[NotificationRow]
    more: bool = False


class InboxQueries:
    """Reads of inboxes, gathered into few queries; raise Unavailable when Postgres is away."""

    def __init__(self, postgres: Postgres, epoch: str, retention: timedelta, limit: int) -> None:
        self._postgres = postgres
        self._epoch = epoch
        self._parameters: dict[str, Any] = {"retention": retention, "limit": limit}
        self._batcher: Batcher[InboxQuery, InboxPage] = Batcher(self._read_batch)

    async def read_inbox(self, query: InboxQuery) -> InboxPage:
        """Return the rows of one user."""
        return await self._batcher.submit(query)

    async def read_list(
        self, person: Person, list_filter: ListFilter, newest: Callable[[TopicMemberships], int]
    ) -> InboxPage:
        """Return a list; waits up to a second until the rows include the newest entry.

        So a user who lists right after a mark sees it. Raises Unavailable.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + CATCH_UP_TIMEOUT_SECONDS
        page = await self._read_list_once(person, list_filter)
        while page.checkpoint < newest(page.memberships) and loop.time() < until:
            await asyncio.sleep(CATCH_UP_POLL_SECONDS)
            page = await self._read_list_once(person, list_filter)
        return page

    async def _read_list_once(self, person: Person, list_filter: ListFilter) -> InboxPage:
        parameters = {
            **list_filter.values,
            **self._parameters,
            "people": _people_parameter([InboxQuery(person, None, list_filter.limit)]),
        }
        async with self._postgres.snapshot() as connection:
            await connection.execute(STATEMENT_TIMEOUT)
            checkpoint, horizon = await _read_checkpoint(connection, self._epoch)
            states = await (await connection.execute(INBOX_STATE.encode(), parameters)).fetchone()
            rows = await (await connection.execute(list_filter.sql, parameters)).fetchall()
        return InboxPage(checkpoint, horizon, *_decode_states(person, states), _to_rows(rows))

    async def _read_batch(self, queries: list[InboxQuery]) -> list[InboxPage]:
        async with self._postgres.snapshot() as connection:
            checkpoint, horizon = await _read_checkpoint(connection, self._epoch)
            parameters = {**self._parameters, "people": _people_parameter(queries)}
            states = await (await connection.execute(INBOX_STATE.encode(), parameters)).fetchall()
            rows = [
                *await self._read_rows(connection, queries, newest=False),
                *await self._read_rows(connection, queries, newest=True),
            ]
        state_by_place = {row[0]: row for row in states}
        rows_by_place: list[list[tuple[Any, ...]]] = [[] for _ in queries]
        for row in rows:
            rows_by_place[int(row[0])].append(row)
        return [
            InboxPage(
                checkpoint,
                horizon,
                *_decode_states(query.person, state_by_place.get(place)),
                _to_rows(own_rows),
                _has_more(own_rows),
            )
            for place, (query, own_rows) in enumerate(zip(queries, rows_by_place, strict=True))
        ]

    async def _read_rows(
        self, connection: PostgresConnection, queries: list[InboxQuery], *, newest: bool
    ) -> list[tuple[Any, ...]]:
        if not any(query.reads_rows(newest=newest) for query in queries):
            return []
        statement = NEWEST_NOTIFICATIONS if newest else CHANGED
        parameters = {**self._parameters, "people": _people_parameter(queries, newest)}
        return await (await connection.execute(statement.encode(), parameters)).fetchall()


async def _read_checkpoint(connection: PostgresConnection, epoch: str) -> tuple[int, int]:
    row = await (await connection.execute(INBOX_POSITION, (epoch,))).fetchone()
    if row is None or row[0] is None:
        raise Unavailable("the read model was built from another log")
    return row[0], row[1] or 0


def _decode_states(
    person: Person, row: tuple[Any, ...] | None
) -> tuple[list[NotificationState], TopicMemberships]:
    if row is None:
        return [], TopicMemberships()
    return msgspec.json.decode(row[1], type=list[NotificationState]), TopicMemberships(
        parse_intervals(person.tenant, row[2])
    )


def _to_rows(rows: list[tuple[Any, ...]]) -> list[NotificationRow]:
    return [NotificationRow(*row[1:-1]) for row in rows[:PAGE_ROWS]]


def _has_more(rows: list[tuple[Any, ...]]) -> bool:
    """Return whether more rows were found than a page holds."""
    return bool(rows) and rows[-1][-1] > min(len(rows), PAGE_ROWS)


def _people_parameter(queries: list[InboxQuery], newest: bool | None = None) -> str:
    rows = [
        {
            "place": place,
            "tenant": query.person.tenant,
            "user_id": query.person.user,
            "wanted": query.limit,
            **_after_columns(query.after),
        }
        for place, query in enumerate(queries)
        if newest is None or query.reads_rows(newest=newest)
    ]
    return encode(rows).decode()


def _after_columns(cursor: Cursor | None) -> dict[str, int]:
    """Return the columns of a cursor; in a compact replay it is between rows of one sequence."""
    return (
        {"after": cursor.sequence, "behind": cursor.row if cursor.until else LAST_ROW}
        if cursor
        else {}
    )
