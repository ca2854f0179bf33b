"""The groups whose events accumulate in one notification until a user reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tidings.contracts.codec import instant
from tidings.contracts.event import AnyRecordedEvent
from tidings.domains.chat.events import MessagePosted
from tidings.domains.notifications.events import NotificationRead
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
CREATE INDEX ON {schema}.closing (tenant, group_name, sequence);
CREATE INDEX ON {schema}.closing USING brin (at);
"""

_ROWS = """jsonb_to_recordset(%s::jsonb)
    AS r (event uuid, sequence bigint, tenant text, group_name text, actor text, user_id text,
          key text, at timestamptz)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence"""

ADD_TO_GROUP = Statement(
    "group",
    f"""
    INSERT INTO {{schema}}.grouped (tenant, group_name, sequence, actor, key, at)
    SELECT r.tenant, r.group_name, r.sequence, r.actor, r.key, r.at FROM {_ROWS}
    """,
    mergeable=True,
)

CLOSE_GROUP = Statement(
    "close_group",
    f"""
    INSERT INTO {{schema}}.closing (tenant, group_name, user_id, sequence, at)
    SELECT r.tenant, r.group_name, r.user_id, r.sequence, r.at FROM {_ROWS}
    """,
    mergeable=True,
)


class GroupMembership(NamedTuple):
    """The group of an event, and the event's actor."""

    group: str
    actor: str


def group_of(recorded: AnyRecordedEvent) -> GroupMembership | None:
    """Return the group of an event; it must be the `group` of the rule that accumulates."""
    match recorded.event:
        case MessagePosted(grouped=True) as event:
            return GroupMembership(f"room:{event.room_id}", event.sender_id)
        case _:
            return None


def changes(recorded: AnyRecordedEvent, reference: dict[str, Any]) -> Iterator[Change]:
    """Add an event to its group, or close a user's group; `reference` is its `event_reference`."""
    row = {**reference, "tenant": recorded.tenant, "at": instant(recorded.time_nanoseconds)}
    if membership := group_of(recorded):
        row |= {"group_name": membership.group, "actor": membership.actor, "key": recorded.key}
        yield Change(ADD_TO_GROUP, (recorded.tenant, membership), recorded.sequence, row)
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
