"""Groups: what accumulates in one notification until it is read; what belongs to each, and when somebody read theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tidings.contracts.codec import instant
from tidings.contracts.events import AnyRecorded, MessagePosted, NotificationRead
from tidings.projections.projection import Change, Statement

SCHEMA = """
CREATE TABLE {schema}.grouped (
    tenant text NOT NULL,
    group_name text NOT NULL,
    sequence bigint NOT NULL,
    actor text NOT NULL,
    key text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, group_name, sequence)
);
CREATE INDEX ON {schema}.grouped USING brin (at);
CREATE TABLE {schema}.closing (
    tenant text NOT NULL,
    group_name text NOT NULL,
    user_id text NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, group_name, user_id, sequence)
);
CREATE INDEX ON {schema}.closing USING brin (at);
"""

_ROWS = """jsonb_to_recordset(%s::jsonb)
    AS r (event uuid, sequence bigint, tenant text, group_name text, actor text, user_id text, key text, at timestamptz)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence"""

GROUP = Statement(
    "group",
    f"""
    INSERT INTO {{schema}}.grouped (tenant, group_name, sequence, actor, key, at)
    SELECT r.tenant, r.group_name, r.sequence, r.actor, r.key, r.at FROM {_ROWS}
    """,
    joins=True,
)

CLOSE_GROUP = Statement(
    "close_group",
    f"""
    INSERT INTO {{schema}}.closing (tenant, group_name, user_id, sequence, at)
    SELECT r.tenant, r.group_name, r.user_id, r.sequence, r.at FROM {_ROWS}
    """,
    joins=True,
)


class Belongs(NamedTuple):
    """What somebody did that belongs to a group."""

    group: str
    actor: str


def belongs(recorded: AnyRecorded) -> Belongs | None:
    """The group that an event belongs to, and whose it is; the rules that accumulate say the same."""
    match recorded.event:
        case MessagePosted() as event:
            return Belongs(f"room:{event.room_id}", event.sender_id)
        case _:
            return None


def changes(recorded: AnyRecorded, once: dict[str, Any]) -> Iterator[Change]:
    """What an event says of groups; `once` is what it is known by."""
    row = {**once, "tenant": recorded.tenant, "at": instant(recorded.time_nanoseconds)}
    if found := belongs(recorded):
        row |= {"group_name": found.group, "actor": found.actor, "key": recorded.key}
        yield Change(GROUP, (recorded.tenant, found), recorded.sequence, row)
    match recorded.event:
        case NotificationRead(group=str() as group, user_id=user):
            yield Change(
                CLOSE_GROUP,
                (recorded.tenant, group),
                recorded.sequence,
                {**row, "group_name": group, "user_id": user},
            )
        case _:
            pass
