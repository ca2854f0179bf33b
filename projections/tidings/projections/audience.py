"""The audience: who stood how to what, from which event to which; which events were seen before; what is in which group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.codec import InvalidEvent, recorded
from tidings.contracts.events import AnyRecorded
from tidings.contracts.subjects import EVENTS
from tidings.projections import groups, seen
from tidings.projections.projection import Change, Message, Projection, Statement
from tidings.projections.relations import (
    LOCALE,
    ObjectDeleted,
    RelationChange,
    RelationClosed,
    RelationOpened,
    relations,
)
from tidings.projections.seen import once, see, seen_key

SCHEMA = f"""
{seen.SCHEMA}
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

OPEN = Statement(
    "open",
    """
    INSERT INTO {schema}.relation (tenant, object, relation, user_id, since)
    SELECT r.tenant, r.object, r.relation, r.user_id, r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint, tenant text, object text, relation text, user_id text)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    ORDER BY r.sequence
    ON CONFLICT (tenant, user_id, object, relation) WHERE until IS NULL DO NOTHING
    """,
    joins=True,
)

CLOSE = Statement(
    "close",
    """
    UPDATE {schema}.relation c SET until = r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint, tenant text, object text, relation text, user_id text)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    WHERE c.tenant = r.tenant AND c.user_id = r.user_id AND c.until IS NULL
      AND (r.object IS NULL OR c.object = r.object) AND (r.relation IS NULL OR c.relation = r.relation)
    """,
)

END = Statement(
    "end",
    """
    UPDATE {schema}.relation c SET until = r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint, tenant text, object text)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    WHERE c.tenant = r.tenant AND c.object = r.object AND c.until IS NULL
    """,
    parts=True,
)


def evolve(message: Message) -> Iterator[Change]:
    """Note the event as seen, then open and close what it says; of an event seen at another sequence, nothing takes effect."""
    try:
        event = recorded(message.data, message.sequence, message.time_nanoseconds)
    except InvalidEvent:
        return
    yield from changes(event, seen_key(event))


def changes(event: AnyRecorded, key: str) -> Iterator[Change]:
    """The same for an event already read, with its `seen_key`."""
    said = once(event, key)
    yield see(event, key)
    for turn in relations(event):
        row: dict[str, Any] = {
            **said,
            "tenant": event.tenant,
            "object": turn.object,
            "relation": turn.relation,
            "user_id": turn.user,
        }
        yield Change(
            _statement(turn), (event.tenant, turn.user or turn.object), (event.sequence, turn), row
        )
    yield from groups.changes(event, said)


def _statement(turn: RelationChange) -> Statement:
    match turn:
        case RelationOpened():
            return OPEN
        case RelationClosed():
            return CLOSE
        case ObjectDeleted():
            return END


AUDIENCE = Projection(
    name="audience",
    version=3,
    stream=EVENTS,
    subjects=("events.{partition}.>",),
    schema=SCHEMA,
    evolve=evolve,
    partitioned=True,
)
