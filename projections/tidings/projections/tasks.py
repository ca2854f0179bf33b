"""Tasks: each as far as it has come, in which project, when it was first assigned and when it was done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.codec import instant
from tidings.contracts.events import (
    AnyRecorded,
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
)
from tidings.projections.projection import Change, Statement
from tidings.projections.seen import once

DONE = frozenset({"completed", "done"})
"""The statuses of a task that is done; any other opens it again."""

SCHEMA = """
CREATE TABLE {schema}.task (
    tenant text NOT NULL,
    task text NOT NULL,
    project text,
    assigned timestamptz,
    completed timestamptz,
    deleted boolean NOT NULL,
    PRIMARY KEY (tenant, task)
);
CREATE INDEX ON {schema}.task (tenant, project) WHERE NOT deleted;
"""

MOVE_TASK = Statement(
    "move_task",
    """
    INSERT INTO {schema}.task AS t (tenant, task, project, assigned, completed, deleted)
    SELECT r.tenant, r.task, r.project, CASE WHEN r.assigned THEN r.at END, CASE WHEN r.done THEN r.at END, r.deleted
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (event uuid, sequence bigint, tenant text, task text, project text, at timestamptz, assigned boolean, done boolean, deleted boolean)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    ON CONFLICT (tenant, task) DO UPDATE SET
        project = coalesce(excluded.project, t.project),
        assigned = coalesce(t.assigned, excluded.assigned),
        completed = coalesce(t.completed, excluded.completed),
        deleted = t.deleted OR excluded.deleted
    """,
)

REOPEN = Statement(
    "reopen",
    """
    UPDATE {schema}.task t SET completed = NULL
    FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint, tenant text, task text)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    WHERE t.tenant = r.tenant AND t.task = r.task
    """,
)


def changes(recorded: AnyRecorded, key: str) -> Iterator[Change]:
    """What an event says of a task; it is done from when that was first said on, until it is opened again, and deleted for good."""
    event = recorded.event
    if not isinstance(event, TaskAssigned | TaskCompleted | TaskStatusChanged | TaskDeleted):
        return
    done = isinstance(event, TaskCompleted) or (
        isinstance(event, TaskStatusChanged) and event.new_status.lower() in DONE
    )
    row: dict[str, Any] = {
        **once(recorded, key),
        "tenant": recorded.tenant,
        "task": event.task_id,
        "project": None if isinstance(event, TaskDeleted) else event.project_id,
        "at": instant(recorded.time_nanoseconds),
        "assigned": isinstance(event, TaskAssigned),
        "done": done,
        "deleted": isinstance(event, TaskDeleted),
    }
    scope = (recorded.tenant, event.task_id)
    yield Change(MOVE_TASK, scope, recorded.sequence, row, behind=recorded.sequence)
    if isinstance(event, TaskStatusChanged) and not done:
        yield Change(REOPEN, scope, recorded.sequence, row)
