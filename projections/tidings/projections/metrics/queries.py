"""Queries of the metrics: SQL that sums hours, tasks and projects.

Each takes the parameter `tenant`, and those of the filters that `narrow_query` inserts.
"""

from __future__ import annotations

from collections.abc import Iterable

FILTER_CONDITIONS = {
    "user": "user_id = %(user)s",
    "project": "project = %(project)s",
    "task": "task = %(task)s",
    "since": "at >= %(since)s",
    "until": "at < %(until)s",
}
"""The condition of each filter, by the name of its parameter."""

TOTAL_HOURS = """
SELECT coalesce(sum(seconds), 0)::bigint, count(*) FROM metrics.timelog
WHERE tenant = %(tenant)s AND approved AND {filters}
"""
"""One row: approved seconds, number of time logs."""

# COLLATE "C" orders by code points in every database, so that a page continues after its last id.

HOURS_BY_COLUMN = """
SELECT {id} COLLATE "C" AS id, sum(seconds)::bigint, count(*)
FROM metrics.timelog
WHERE tenant = %(tenant)s AND approved AND {id} COLLATE "C" > %(after)s AND {filters}
GROUP BY 1 ORDER BY 1 LIMIT %(limit)s + 1
"""
"""A row for each value of the column `{id}`: the value, approved seconds, number of time logs."""

TASK_TOTALS = """
SELECT count(*), count(completed), avg(seconds)::float8,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds::float8)
FROM (
    SELECT completed,
        CASE WHEN completed >= assigned THEN extract(epoch FROM completed - assigned) END AS seconds
    FROM metrics.task WHERE tenant = %(tenant)s AND NOT deleted AND {filters}
) t
"""
"""One row: number of tasks, number of completed tasks, mean and median seconds from assignment."""

PROJECT_PROGRESS = """
SELECT id, sum(tasks)::bigint, sum(completed)::bigint, sum(milestones)::bigint FROM (
    SELECT project COLLATE "C" AS id, count(*) AS tasks, count(completed) AS completed,
        0 AS milestones
    FROM metrics.task
    WHERE tenant = %(tenant)s AND NOT deleted AND project COLLATE "C" > %(after)s AND {filters}
    GROUP BY 1
    UNION ALL
    SELECT project COLLATE "C", 0, 0, count(*)
    FROM metrics.milestone
    WHERE tenant = %(tenant)s AND project COLLATE "C" > %(after)s AND {filters}
    GROUP BY 1
) progress GROUP BY id ORDER BY id LIMIT %(limit)s + 1
"""
"""A row for each project: id, number of tasks, of completed tasks, of milestones."""


def narrow_query(query: str, filters: Iterable[str], **columns: str) -> str:
    """Return a query with the conditions of the named filters and the given column names."""
    conditions = ["true", *(FILTER_CONDITIONS[name] for name in filters)]
    return query.format(filters=" AND ".join(conditions), **columns)
