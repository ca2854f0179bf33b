"""Figures: what the edge reads of the metrics in Postgres, with the sequence that they stand at."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tidings.contracts.metrics import Hours, HoursBy, HoursOf, ProjectProgress, Projects, Tasks
from tidings.contracts.subjects import EVENTS
from tidings.edge.rows import SHORT
from tidings.runtime.errors import Unavailable
from tidings.runtime.postgres import Connection
from tidings.runtime.process import Runtime

SECONDS_PER_HOUR = 3600
FITTING = {
    "user": "user_id = %(user)s",
    "project": "project = %(project)s",
    "task": "task = %(task)s",
    "since": "at >= %(since)s",
    "until": "at < %(until)s",
}
"""What is asked for, by the name of what it is asked with."""

HOURS = """
SELECT coalesce(sum(seconds), 0)::bigint, count(*) FROM metrics.timelog WHERE tenant = %(tenant)s AND approved AND {fitting}
"""
HOURS_BY = """
SELECT {id} COLLATE "C" AS id, sum(seconds)::bigint, count(*)
FROM metrics.timelog WHERE tenant = %(tenant)s AND approved AND {id} COLLATE "C" > %(after)s AND {fitting}
GROUP BY 1 ORDER BY 1 LIMIT %(limit)s + 1
"""
TASKS = """
SELECT count(*), count(completed), avg(seconds)::float8, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds::float8)
FROM (
    SELECT completed, CASE WHEN completed >= assigned THEN extract(epoch FROM completed - assigned) END AS seconds
    FROM metrics.task WHERE tenant = %(tenant)s AND NOT deleted AND {fitting}
) t
"""
PROJECTS = """
SELECT id, sum(tasks)::bigint, sum(completed)::bigint, sum(milestones)::bigint FROM (
    SELECT project COLLATE "C" AS id, count(*) AS tasks, count(completed) AS completed, 0 AS milestones
    FROM metrics.task WHERE tenant = %(tenant)s AND NOT deleted AND project COLLATE "C" > %(after)s AND {fitting} GROUP BY 1
    UNION ALL
    SELECT project COLLATE "C", 0, 0, count(*)
    FROM metrics.milestone WHERE tenant = %(tenant)s AND project COLLATE "C" > %(after)s AND {fitting} GROUP BY 1
) each GROUP BY id ORDER BY id LIMIT %(limit)s + 1
"""
COLUMNS: dict[HoursBy, str] = {"user": "user_id", "project": "project", "task": "task"}


class Question(NamedTuple):
    """Of a tenant, what fits all that is asked (`FITTING`); a page of so many after an id."""

    tenant: str
    asked: dict[str, Any]
    limit: int
    after: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """As the queries have them."""
        return {**self.asked, "tenant": self.tenant, "limit": self.limit, "after": self.after}

    def sql(self, query: str, **more: str) -> bytes:
        """A query, narrowed to what is asked."""
        return query.format(
            fitting=" AND ".join(["true", *(FITTING[name] for name in self.asked)]), **more
        ).encode()


async def hours(runtime: Runtime, question: Question, by: HoursBy) -> Hours:
    """Approved hours; raises Unavailable."""
    async with stand(runtime, "metrics") as (connection, sequence):
        total = await (
            await connection.execute(question.sql(HOURS), question.parameters)
        ).fetchone()
        rows = await (
            await connection.execute(question.sql(HOURS_BY, id=COLUMNS[by]), question.parameters)
        ).fetchall()
    seconds, timelogs = total or (0, 0)
    of_each = tuple(
        HoursOf(id=name, hours=each / SECONDS_PER_HOUR, timelogs=count)
        for name, each, count in rows[: question.limit]
    )
    return Hours(
        hours=seconds / SECONDS_PER_HOUR,
        timelogs=timelogs,
        by=of_each,
        next=_next(rows, question.limit),
        sequence=sequence,
    )


async def tasks(runtime: Runtime, question: Question) -> Tasks:
    """How tasks are getting done; raises Unavailable."""
    async with stand(runtime, "metrics") as (connection, sequence):
        row = await (await connection.execute(question.sql(TASKS), question.parameters)).fetchone()
    count, completed, mean, median = row or (0, 0, None, None)
    rate = _part(completed, count)
    return Tasks(
        tasks=count,
        completed=completed,
        rate=rate,
        mean_seconds=mean,
        median_seconds=median,
        sequence=sequence,
    )


async def projects(runtime: Runtime, question: Question) -> Projects:
    """How far projects have come; raises Unavailable."""
    async with stand(runtime, "metrics") as (connection, sequence):
        rows = await (
            await connection.execute(question.sql(PROJECTS), question.parameters)
        ).fetchall()
    found = tuple(
        ProjectProgress(
            id=name,
            tasks=count,
            completed=completed,
            progress=_part(completed, count),
            milestones=milestones,
        )
        for name, count, completed, milestones in rows[: question.limit]
    )
    return Projects(projects=found, next=_next(rows, question.limit), sequence=sequence)


def _part(of: int, whole: int) -> float | None:
    return of / whole if whole else None


def _next(rows: Sequence[tuple[Any, ...]], limit: int) -> Any:
    """Where the following page begins: behind the last row of this one, if there are more."""
    return rows[limit - 1][0] if len(rows) > limit else None


@asynccontextmanager
async def stand(runtime: Runtime, name: str) -> AsyncGenerator[tuple[Connection, int]]:
    """One moment of a read model of the events, and the sequence it has come to; raises Unavailable if it is of another log."""
    async with runtime.postgres.snapshot() as connection:
        await connection.execute(SHORT)
        query = f"SELECT sequence FROM {name}.checkpoint WHERE epoch = %s"
        row = await (await connection.execute(query.encode(), (runtime.epochs[EVENTS],))).fetchone()
        if row is None:
            raise Unavailable("the rows are not of this log")
        yield connection, row[0]
