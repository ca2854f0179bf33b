"""The tasks of projects, each with the times of its first assignment and of its completion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.codec import instant
from tidings.contracts.event import AnyRecordedEvent
from tidings.domains.volunteers.events import (
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
)
from tidings.projections.dedup import event_reference
from tidings.projections.projection import Change, Statement

DONE_STATUSES = frozenset({"completed", "done"})
"""The statuses of a completed task; any other status reopens it."""

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

UPSERT_TASK = Statement(
    "move_task",
    """
    INSERT INTO {schema}.task AS t (tenant, task, project, assigned, completed, deleted)
    SELECT r.tenant, r.task, r.project, CASE WHEN r.assigned THEN r.at END,
        CASE WHEN r.done THEN r.at END, r.deleted
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (event uuid, sequence bigint, tenant text, task text, project text, at timestamptz,
         assigned boolean, done boolean, deleted boolean)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    ON CONFLICT (tenant, task) DO UPDATE SET
        project = coalesce(excluded.project, t.project),
        assigned = coalesce(t.assigned, excluded.assigned),
        completed = coalesce(t.completed, excluded.completed),
        deleted = t.deleted OR excluded.deleted
    """,
)

REOPEN_TASK = Statement(
    "reopen",
    """
    UPDATE {schema}.task t SET completed = NULL
    FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint, tenant text, task text)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    WHERE t.tenant = r.tenant AND t.task = r.task
    """,
)


def changes(recorded: AnyRecordedEvent, key: str) -> Iterator[Change]:
    """Insert or update the task of an event.

    A task is completed since the first event that completes it, until a status reopens it; a
    deleted task stays deleted.
    """
    event = recorded.event
    if not isinstance(event, TaskAssigned | TaskCompleted | TaskStatusChanged | TaskDeleted):
        return
    done = isinstance(event, TaskCompleted) or (
        isinstance(event, TaskStatusChanged) and event.new_status.lower() in DONE_STATUSES
    )
    row: dict[str, Any] = {
        **event_reference(recorded, key),
        "tenant": recorded.tenant,
        "task": event.task_id,
        "project": None if isinstance(event, TaskDeleted) else event.project_id,
        "at": instant(recorded.time_nanoseconds),
        "assigned": isinstance(event, TaskAssigned),
        "done": done,
        "deleted": isinstance(event, TaskDeleted),
    }
    scope = (recorded.tenant, event.task_id)
    # The scope is the task, so `seen` must be written first: it has the sequence as its scope.
    yield Change(UPSERT_TASK, scope, recorded.sequence, row, after_scope=recorded.sequence)
    if isinstance(event, TaskStatusChanged) and not done:
        yield Change(REOPEN_TASK, scope, recorded.sequence, row)
