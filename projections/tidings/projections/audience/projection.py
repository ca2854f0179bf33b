"""The audience: the relations of users with their intervals, seen events, and groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.codec import InvalidEvent, decode_recorded_event
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.relations import (
    LOCALE,
    ObjectDeleted,
    RelationChange,
    RelationClosed,
    RelationOpened,
)
from tidings.contracts.subjects import EVENTS
from tidings.projections import dedup
from tidings.projections.audience import groups
from tidings.projections.dedup import event_digest, event_reference, record_seen
from tidings.projections.projection import Change, LogMessage, Projection, Statement
from tidings.projections.relations import relation_changes

SCHEMA = f"""
{dedup.SCHEMA}
CREATE TABLE {{schema}}.relation (
    tenant text NOT NULL,
    object text NOT NULL,
    relation text NOT NULL,
    user_id text NOT NULL,
    since bigint NOT NULL,
    until bigint,
    PRIMARY KEY (tenant, object, relation, user_id, since)
);
CREATE UNIQUE INDEX ON {{schema}}.relation (tenant, user_id, object, relation) WHERE until IS NULL;
CREATE INDEX ON {{schema}}.relation (tenant, user_id) WHERE object = '{LOCALE}';
{groups.SCHEMA}"""

OPEN_RELATION = Statement(
    "open",
    """
    INSERT INTO {schema}.relation (tenant, object, relation, user_id, since)
    SELECT r.tenant, r.object, r.relation, r.user_id, r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (event uuid, sequence bigint, tenant text, object text, relation text, user_id text)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    ORDER BY r.sequence
    ON CONFLICT (tenant, user_id, object, relation) WHERE until IS NULL DO NOTHING
    """,
    mergeable=True,
)

CLOSE_RELATION = Statement(
    "close",
    """
    UPDATE {schema}.relation c SET until = r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (event uuid, sequence bigint, tenant text, object text, relation text, user_id text)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    WHERE c.tenant = r.tenant AND c.user_id = r.user_id AND c.until IS NULL
      AND (r.object IS NULL OR c.object = r.object)
      AND (r.relation IS NULL OR c.relation = r.relation)
    """,
)

CLOSE_OBJECT = Statement(
    "end",
    """
    UPDATE {schema}.relation c SET until = r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint, tenant text, object text)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    WHERE c.tenant = r.tenant AND c.object = r.object AND c.until IS NULL
    """,
    # The object's relations belong to any number of users, and so to any scope.
    is_barrier=True,
)


def evolve(message: LogMessage) -> Iterator[Change]:
    """Record an event as seen, and apply its changes of relations and groups.

    A duplicate, which has another sequence, has no effect.
    """
    try:
        event = decode_recorded_event(message.data, message.sequence, message.time_nanoseconds)
    except InvalidEvent:
        return
    yield from changes(event, event_digest(event))


def changes(event: AnyRecordedEvent, key: str) -> Iterator[Change]:
    """Return the changes of a decoded event with its `event_digest`."""
    reference = event_reference(event, key)
    # Yielded first, so that `seen` is written before the statements that join it: its execution is
    # the first one at all, and the first one after each barrier.
    yield record_seen(event, key)
    for change in relation_changes(event):
        row: dict[str, Any] = {
            **reference,
            "tenant": event.tenant,
            "object": change.object,
            "relation": change.relation,
            "user_id": change.user,
        }
        yield Change(
            _statement_of(change),
            (event.tenant, change.user or change.object),
            (event.sequence, change),
            row,
        )
    yield from groups.changes(event, reference)


def _statement_of(change: RelationChange) -> Statement:
    match change:
        case RelationOpened():
            return OPEN_RELATION
        case RelationClosed():
            return CLOSE_RELATION
        case ObjectDeleted():
            return CLOSE_OBJECT


AUDIENCE = Projection(
    name="audience",
    version=3,
    stream=EVENTS,
    subjects=("events.{partition}.>",),
    schema=SCHEMA,
    evolve=evolve,
    partitioned=True,
)
