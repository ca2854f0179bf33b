"""Volunteers' hours: each time log in the state of its last approval or rejection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.codec import instant
from tidings.contracts.event import AnyRecordedEvent
from tidings.domains.volunteers.events import TimelogApproved, TimelogRejected
from tidings.projections.dedup import event_reference
from tidings.projections.projection import Change, Statement

HOURS_LIMIT = 1_000_000
"""A time log with negative hours, or with more than this, counts as 0."""

SCHEMA = """
CREATE TABLE {schema}.timelog (
    tenant text NOT NULL,
    timelog text NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    user_id text NOT NULL,
    project text NOT NULL,
    task text,
    seconds bigint NOT NULL,
    approved boolean NOT NULL,
    PRIMARY KEY (tenant, timelog)
);
CREATE INDEX ON {schema}.timelog (tenant, user_id) WHERE approved;
CREATE INDEX ON {schema}.timelog (tenant, project) WHERE approved;
"""

UPSERT_TIMELOG = Statement(
    "log_time",
    """
    INSERT INTO {schema}.timelog AS t
        (tenant, timelog, sequence, at, user_id, project, task, seconds, approved)
    SELECT DISTINCT ON (r.tenant, r.timelog)
        r.tenant, r.timelog, r.sequence, r.at, r.user_id, r.project, r.task, r.seconds, r.approved
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (event uuid, sequence bigint, tenant text, timelog text, at timestamptz, user_id text,
         project text, task text, seconds bigint, approved boolean)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    ORDER BY r.tenant, r.timelog, r.sequence DESC
    ON CONFLICT (tenant, timelog) DO UPDATE SET
        sequence = excluded.sequence, at = excluded.at, user_id = excluded.user_id,
        project = excluded.project, task = excluded.task,
        seconds = excluded.seconds, approved = excluded.approved
    WHERE t.sequence < excluded.sequence
    """,
    mergeable=True,
)


def changes(recorded: AnyRecordedEvent, key: str) -> Iterator[Change]:
    """Insert or replace the time log that an event approves or rejects."""
    event = recorded.event
    if isinstance(event, TimelogApproved | TimelogRejected):
        row: dict[str, Any] = {
            **event_reference(recorded, key),
            "tenant": recorded.tenant,
            "timelog": event.timelog_id,
            "at": instant(recorded.time_nanoseconds),
            "user_id": event.user_id,
            "project": event.project_id,
            "task": event.task_id,
            "seconds": whole_seconds(event.hours),
            "approved": isinstance(event, TimelogApproved),
        }
        yield Change(UPSERT_TIMELOG, recorded.sequence, recorded.sequence, row)


def whole_seconds(hours: float) -> int:
    """Return hours as whole seconds; sums of integers do not depend on their order."""
    return round(hours * 3600) if 0 <= hours <= HOURS_LIMIT else 0
