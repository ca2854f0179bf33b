"""The audience: relations of users, links of objects, with their intervals; seen events, groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.codec import InvalidEvent, decode_recorded_event
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.relations import (
    LOCALE,
    TIMEZONE,
    AudienceChange,
    ObjectDeleted,
    ObjectLinked,
    RelationClosed,
    RelationOpened,
)
from tidings.contracts.subjects import EVENTS
from tidings.projections import dedup
from tidings.projections.audience import groups
from tidings.projections.dedup import event_digest, event_reference, record_seen
from tidings.projections.projection import Change, LogMessage, Projection, Statement
from tidings.projections.relations import audience_changes

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
CREATE INDEX ON {{schema}}.relation (tenant, user_id)
    WHERE object IN ('{LOCALE}', '{TIMEZONE}');
CREATE TABLE {{schema}}.link (
    tenant text NOT NULL,
    object text NOT NULL,
    link text NOT NULL,
    target text NOT NULL,
    since bigint NOT NULL,
    until bigint,
    PRIMARY KEY (tenant, object, link, since)
);
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

LINK_OBJECT = Statement(
    "link",
    """
    WITH given AS (
        SELECT r.* FROM jsonb_to_recordset(%s::jsonb) AS r
            (event uuid, sequence bigint, tenant text, object text, link text, target text)
        JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    ), ended AS (
        UPDATE {schema}.link l SET until = g.sequence FROM given g
        WHERE l.tenant = g.tenant AND l.object = g.object AND l.link = g.link AND l.until IS NULL
          AND l.target IS DISTINCT FROM g.target
    )
    INSERT INTO {schema}.link (tenant, object, link, target, since)
    SELECT g.tenant, g.object, g.link, g.target, g.sequence FROM given g
    WHERE g.target IS NOT NULL AND NOT EXISTS (
        SELECT FROM {schema}.link l
        WHERE l.tenant = g.tenant AND l.object = g.object AND l.link = g.link AND l.until IS NULL
          AND l.target = g.target
    )
    """,
)

CLOSE_OBJECT = Statement(
    "end",
    """
    WITH given AS (
        SELECT r.* FROM jsonb_to_recordset(%s::jsonb) AS r
            (event uuid, sequence bigint, tenant text, object text)
        JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    ), unlinked AS (
        UPDATE {schema}.link l SET until = g.sequence FROM given g
        WHERE l.tenant = g.tenant AND l.object = g.object AND l.until IS NULL
    )
    UPDATE {schema}.relation c SET until = g.sequence FROM given g
    WHERE c.tenant = g.tenant AND c.object = g.object AND c.until IS NULL
    """,
    # The object's relations belong to any number of users, and so to any scope.
    is_barrier=True,
)


def evolve(message: LogMessage) -> Iterator[Change]:
    """Record an event as seen, and apply its changes of relations, links and groups.

    A duplicate, which has another sequence, has no effect.
    """
    try:
        event = decode_recorded_event(
            message.data, message.sequence, message.time_nanoseconds, message.subject
        )
    except InvalidEvent:
        return
    yield from changes(event, event_digest(event))


def changes(event: AnyRecordedEvent, key: str) -> Iterator[Change]:
    """Return the changes of a decoded event with its `event_digest`."""
    reference = event_reference(event, key)
    # Yielded first, so that `seen` is written before the statements that join it: its execution is
    # the first one at all, and the first one after each barrier.
    yield record_seen(event, key)
    for change in audience_changes(event):
        statement, scope, columns = _execution_of(change)
        row: dict[str, Any] = {**reference, "tenant": event.tenant, **columns}
        yield Change(statement, (event.tenant, scope), (event.sequence, change), row)
    yield from groups.changes(event, reference)


def _execution_of(change: AudienceChange) -> tuple[Statement, str | None, dict[str, str | None]]:
    """Return the statement of a change, the user or object that it orders, and its columns."""
    match change:
        case RelationOpened(object_, relation, user):
            return OPEN_RELATION, user, _columns(object_, relation, user)
        case RelationClosed(object_, relation, user):
            return CLOSE_RELATION, user, _columns(object_, relation, user)
        case ObjectDeleted(object_):
            return CLOSE_OBJECT, object_, {"object": object_}
        case ObjectLinked(object_, link, target):
            return LINK_OBJECT, object_, {"object": object_, "link": link, "target": target}


def _columns(object_: str | None, relation: str | None, user: str) -> dict[str, str | None]:
    return {"object": object_, "relation": relation, "user_id": user}


AUDIENCE = Projection(
    name="audience",
    version=5,
    stream=EVENTS,
    subjects=("events.{partition}.>",),
    schema=SCHEMA,
    evolve=evolve,
    partitioned=True,
)
