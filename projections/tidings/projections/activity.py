"""The activity log: every event as a plain fact, found by the people and things it is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.codec import InvalidEvent, instant, recorded
from tidings.contracts.events import AnyRecorded
from tidings.contracts.subjects import EVENTS, EVERY_EVENT
from tidings.projections.concerned import USER, concerned
from tidings.projections.projection import Change, Message, Projection, Statement
from tidings.projections.seen import once, seen_key

DATA_LIMIT_CHARACTERS = 8 * 1024
"""Of an event with more data than that, the data stays in the log only."""

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

HAPPEN = Statement(
    "happen",
    """
    INSERT INTO {schema}.happening (event, tenant, sequence, type, actor, entity, at, data)
    SELECT event, tenant, sequence, type, actor, entity, at, data
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (event uuid, tenant text, sequence bigint, type text, actor text, entity text, at timestamptz, data text)
    ORDER BY sequence
    ON CONFLICT (event) DO NOTHING
    """,
    joins=True,
)

CONCERN = Statement(
    "concern",
    """
    INSERT INTO {schema}.concern (tenant, about, sequence)
    SELECT r.tenant, r.about, r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint, tenant text, about text)
    JOIN {schema}.happening h ON h.event = r.event AND h.sequence = r.sequence
    """,
    joins=True,
)


def evolve(message: Message) -> Iterator[Change]:
    """An event is written down once, and under everybody and everything that it is about."""
    try:
        event = recorded(message.data, message.sequence, message.time_nanoseconds)
    except InvalidEvent:
        return
    said, about = {**once(event, seen_key(event)), "tenant": event.tenant}, concerned(event)
    yield Change(HAPPEN, event.sequence, event.sequence, {**said, **_fact(event, about)})
    for each in about:
        yield Change(CONCERN, event.sequence, (event.sequence, each), {**said, "about": each})


def _fact(event: AnyRecorded, about: list[str]) -> dict[str, Any]:
    attributes, data = event.attributes, bytes(event.attributes.data).decode()
    return {
        "type": attributes.type,
        "actor": attributes.actor,
        "entity": next((each for each in about if not each.startswith(USER)), None),
        "at": instant(event.time_nanoseconds),
        "data": data if len(data) <= DATA_LIMIT_CHARACTERS else None,
    }


ACTIVITY = Projection(
    name="activity", version=1, stream=EVENTS, subjects=(EVERY_EVENT,), schema=SCHEMA, evolve=evolve
)
