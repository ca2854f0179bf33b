"""The activity log: every event, indexed by the users and objects that it mentions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.codec import instant
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.subjects import EVENTS, EVERY_EVENT
from tidings.projections.activity.mentions import USER_PREFIX, mentions
from tidings.projections.activity.private_fields import without_private_fields
from tidings.projections.dedup import KeyedEvent, decode_event, event_reference
from tidings.projections.projection import Change, Projection, Statement

DATA_LIMIT_CHARACTERS = 8 * 1024
"""The data of an event that is longer than this stays in the log only."""

SCHEMA = """
CREATE TABLE {schema}.happening (
    event uuid PRIMARY KEY,
    tenant text NOT NULL,
    sequence bigint NOT NULL,
    type text NOT NULL,
    actor text,
    entity text,
    at timestamptz NOT NULL,
    data text
);
CREATE UNIQUE INDEX ON {schema}.happening (tenant, sequence);
CREATE TABLE {schema}.concern (
    tenant text NOT NULL,
    about text NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (tenant, about, sequence)
);
"""

INSERT_ACTIVITY = Statement(
    "happen",
    """
    INSERT INTO {schema}.happening (event, tenant, sequence, type, actor, entity, at, data)
    SELECT event, tenant, sequence, type, actor, entity, at, data
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (event uuid, tenant text, sequence bigint, type text, actor text, entity text,
         at timestamptz, data text)
    ORDER BY sequence
    ON CONFLICT (event) DO NOTHING
    """,
    mergeable=True,
)

INSERT_MENTIONS = Statement(
    "concern",
    """
    INSERT INTO {schema}.concern (tenant, about, sequence)
    SELECT r.tenant, r.about, r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint, tenant text, about text)
    JOIN {schema}.happening h ON h.event = r.event AND h.sequence = r.sequence
    """,
    mergeable=True,
)


def evolve(keyed: KeyedEvent) -> Iterator[Change]:
    """Insert an event once, and an index row for each of its mentions."""
    event = keyed.recorded
    reference = event_reference(event, keyed.key) | {"tenant": event.tenant}
    names = mentions(event)
    yield Change(
        INSERT_ACTIVITY,
        event.sequence,
        event.sequence,
        reference | _activity_columns(event, names),
    )
    for name in names:
        row = reference | {"about": name}
        yield Change(INSERT_MENTIONS, event.sequence, (event.sequence, name), row)


def _activity_columns(event: AnyRecordedEvent, names: list[str]) -> dict[str, Any]:
    attributes = event.attributes
    data = without_private_fields(attributes.type, bytes(attributes.data)).decode()
    return {
        "type": attributes.type,
        "actor": attributes.actor,
        "entity": next((name for name in names if not name.startswith(USER_PREFIX)), None),
        "at": instant(event.time_nanoseconds),
        "data": data if len(data) <= DATA_LIMIT_CHARACTERS else None,
    }


ACTIVITY = Projection(
    name="activity",
    version=2,
    stream=EVENTS,
    subjects=(EVERY_EVENT,),
    schema=SCHEMA,
    evolve=evolve,
    decode=decode_event,
)
