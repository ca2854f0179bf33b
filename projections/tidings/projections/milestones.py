"""Milestones: those that projects have reached, and when first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.codec import instant
from tidings.contracts.events import AnyRecorded, MilestoneCompleted
from tidings.projections.projection import Change, Statement
from tidings.projections.seen import once

SCHEMA = """
CREATE TABLE {schema}.milestone (
    tenant text NOT NULL,
    project text NOT NULL,
    milestone text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, project, milestone)
);
"""

REACH = Statement(
    "reach",
    """
    INSERT INTO {schema}.milestone (tenant, project, milestone, at)
    SELECT r.tenant, r.project, r.milestone, r.at
    FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint, tenant text, project text, milestone text, at timestamptz)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    ORDER BY r.sequence
    ON CONFLICT (tenant, project, milestone) DO NOTHING
    """,
    joins=True,
)


def changes(recorded: AnyRecorded, key: str) -> Iterator[Change]:
    """A milestone is reached once."""
    event = recorded.event
    if isinstance(event, MilestoneCompleted):
        row: dict[str, Any] = {
            **once(recorded, key),
            "tenant": recorded.tenant,
            "project": event.project_id,
            "milestone": event.milestone_id,
            "at": instant(recorded.time_nanoseconds),
        }
        yield Change(REACH, recorded.sequence, recorded.sequence, row)
