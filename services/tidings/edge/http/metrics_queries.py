"""Queries of the metrics in Postgres, each with the sequence of the log that it reflects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tidings.contracts.http_bodies.metrics import (
    Hours,
    HoursBy,
    HoursOf,
    ProjectProgress,
    Projects,
    Tasks,
)
from tidings.edge.delivery.inbox_queries import STATEMENT_TIMEOUT
from tidings.projections.metrics.queries import (
    HOURS_BY_COLUMN,
    PROJECT_PROGRESS,
    TASK_TOTALS,
    TOTAL_HOURS,
    narrow_query,
)
from tidings.runtime.errors import Unavailable
from tidings.runtime.readmodels.postgres import Postgres, PostgresConnection

SECONDS_PER_HOUR = 3600
COLUMNS: dict[HoursBy, str] = {"user": "user_id", "project": "project", "task": "task"}


class EventReadModels:
    """The read models of EVENTS that were built from the log with this epoch."""

    def __init__(self, postgres: Postgres, epoch: str) -> None:
        self._postgres = postgres
        self._epoch = epoch

    @asynccontextmanager
    async def read_snapshot(self, name: str) -> AsyncGenerator[tuple[PostgresConnection, int]]:
        """Open a snapshot of a read model and yield it with the sequence of its checkpoint.

        Raises Unavailable, also when the read model was built from another log.
        """
        async with self._postgres.snapshot() as connection:
            await connection.execute(STATEMENT_TIMEOUT)
            query = f"SELECT sequence FROM {name}.checkpoint WHERE epoch = %s"
            row = await (await connection.execute(query.encode(), (self._epoch,))).fetchone()
            if row is None:
                raise Unavailable("the read model was built from another log")
            yield connection, row[0]


class MetricsQuery(NamedTuple):
    """A page of at most `limit` rows of a tenant after an id, filtered by `values`.

    Keys of `values` are those of `FILTER_CONDITIONS`.
    """

    tenant: str
    values: dict[str, Any]
    limit: int
    after: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the SQL queries."""
        return {**self.values, "tenant": self.tenant, "limit": self.limit, "after": self.after}

    def sql(self, query: str, **more: str) -> bytes:
        """Return a query narrowed by `values`."""
        return narrow_query(query, self.values, **more).encode()


async def read_hours(read_models: EventReadModels, query: MetricsQuery, by: HoursBy) -> Hours:
    """Return approved hours; raises Unavailable."""
    async with read_models.read_snapshot("metrics") as (connection, sequence):
        total = await (
            await connection.execute(query.sql(TOTAL_HOURS), query.parameters)
        ).fetchone()
        rows = await (
            await connection.execute(query.sql(HOURS_BY_COLUMN, id=COLUMNS[by]), query.parameters)
        ).fetchall()
    seconds, timelogs = total or (0, 0)
    of_each = tuple(
        HoursOf(id=name, hours=each / SECONDS_PER_HOUR, timelogs=count)
        for name, each, count in rows[: query.limit]
    )
    return Hours(
        hours=seconds / SECONDS_PER_HOUR,
        timelogs=timelogs,
        by=of_each,
        next=_next_page(rows, query.limit),
        sequence=sequence,
    )


async def read_tasks(read_models: EventReadModels, query: MetricsQuery) -> Tasks:
    """Return the completion of tasks; raises Unavailable."""
    async with read_models.read_snapshot("metrics") as (connection, sequence):
        row = await (await connection.execute(query.sql(TASK_TOTALS), query.parameters)).fetchone()
    count, completed, mean, median = row or (0, 0, None, None)
    rate = _ratio(completed, count)
    return Tasks(
        tasks=count,
        completed=completed,
        rate=rate,
        mean_seconds=mean,
        median_seconds=median,
        sequence=sequence,
    )


async def read_projects(read_models: EventReadModels, query: MetricsQuery) -> Projects:
    """Return the progress of projects; raises Unavailable."""
    async with read_models.read_snapshot("metrics") as (connection, sequence):
        rows = await (
            await connection.execute(query.sql(PROJECT_PROGRESS), query.parameters)
        ).fetchall()
    progress = tuple(
        ProjectProgress(
            id=name,
            tasks=count,
            completed=completed,
            progress=_ratio(completed, count),
            milestones=milestones,
        )
        for name, count, completed, milestones in rows[: query.limit]
    )
    return Projects(projects=progress, next=_next_page(rows, query.limit), sequence=sequence)


def _ratio(of: int, whole: int) -> float | None:
    return of / whole if whole else None


def _next_page(rows: Sequence[tuple[Any, ...]], limit: int) -> Any:
    """Return the id after which the next page begins, None on the last page.

    Queries select one row more than the limit, which shows that there is a next page.
    """
    return rows[limit - 1][0] if len(rows) > limit else None
