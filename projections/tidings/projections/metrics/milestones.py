"""The milestones that projects have reached, with the time when each was reached first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.codec import instant
from tidings.contracts.event import AnyRecordedEvent
from tidings.domains.volunteers.events import MilestoneCompleted
from tidings.projections.dedup import event_reference
from tidings.projections.projection import Change, Statement

SCHEMA = """
CREATE TABLE {schema}.milestone (
    tenant text NOT NULL,
    project text NOT NULL,
    milestone text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, project, milestone)
);
"""

INSERT_MILESTONE = Statement(
    "reach",
    """
    INSERT INTO {schema}.milestone (tenant, project, milestone, at)
    SELECT r.tenant, r.project, r.milestone, r.at
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (event uuid, sequence bigint, tenant text, project text, milestone text, at timestamptz)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    ORDER BY r.sequence
    ON CONFLICT (tenant, project, milestone) DO NOTHING
    """,
    mergeable=True,
)


def changes(recorded: AnyRecordedEvent, key: str) -> Iterator[Change]:
    """Insert a completed milestone; a repeated one changes nothing."""
    event = recorded.event
    if isinstance(event, MilestoneCompleted):
        row: dict[str, Any] = {
            **event_reference(recorded, key),
            "tenant": recorded.tenant,
            "project": event.project_id,
            "milestone": event.milestone_id,
            "at": instant(recorded.time_nanoseconds),
        }
        yield Change(INSERT_MILESTONE, recorded.sequence, recorded.sequence, row)
