"""The rows of topics, which all members share until a member marks one and gets an own copy."""

from __future__ import annotations

from typing import Any

import msgspec
from tidings.contracts.codec import decode_membership, split_at_user
from tidings.contracts.notifications import TopicJoined
from tidings.contracts.subjects import Member, Topic
from tidings.projections.inbox.topic_memberships import OPEN_END, Interval
from tidings.projections.projection import Change, LogMessage, Statement

READER_PLACEHOLDER = "\x01"
"""Replaces the reader's id in the body of a shared row; JSON never contains this character."""

TOPIC_PREFIX = " @"
"""A topic's rows have this and its relation as their user; no id begins with a blank."""

COLUMNS = (
    "tenant",
    "user_id",
    "id",
    "sequence",
    "changed",
    "category",
    "type",
    "priority",
    "entity",
    "group_name",
    "words",
    "created",
    "appended",
    "expires",
    "seen",
    "read",
    "archived",
    "snoozed",
    "deleted",
    "awaited",
    "read_first",
    "acted",
    "left_out",
    "body",
)

SCHEMA = f"""
CREATE TABLE {{schema}}.member (
    tenant text NOT NULL,
    user_id text NOT NULL,
    topic text NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL DEFAULT {OPEN_END},
    PRIMARY KEY (tenant, user_id, topic, since)
);
CREATE UNIQUE INDEX ON {{schema}}.member (tenant, user_id, topic) WHERE until = {OPEN_END};
"""

_ROWS = (
    "jsonb_to_recordset(%s::jsonb) AS r (tenant text, user_id text, topic text, sequence bigint)"
)

JOIN_TOPIC = Statement(
    "join",
    f"""
    INSERT INTO {{schema}}.member (tenant, user_id, topic, since)
    SELECT tenant, user_id, topic, sequence FROM {_ROWS} ORDER BY sequence
    ON CONFLICT (tenant, user_id, topic) WHERE until = {OPEN_END} DO NOTHING
    """,
    mergeable=True,
)

LEAVE_TOPIC = Statement(
    "leave",
    f"""
    UPDATE {{schema}}.member m SET until = r.sequence FROM {_ROWS}
    WHERE m.tenant = r.tenant AND m.user_id = r.user_id AND m.topic = r.topic
      AND m.until = {OPEN_END}
    """,
)

VISIBLE_TO_MEMBER = """n.tenant = m.tenant AND n.user_id = m.topic
      AND n.sequence > m.since AND n.sequence < m.until
      AND n.left_out IS DISTINCT FROM m.user_id"""
"""Condition: a topic's row `n` belongs to the inbox of member `m`."""

_OWN_COLUMNS = {
    "user_id": "m.user_id",
    "body": f"replace(n.body, chr({ord(READER_PLACEHOLDER)}), to_json(m.user_id)::text) AS body",
}
MEMBER_COLUMNS = ", ".join(_OWN_COLUMNS.get(column, f"n.{column}") for column in COLUMNS)
"""The columns of a topic's row `n` as a row of member `m`."""


def copy_shared_rows(name: str, condition: str, record: str) -> Statement:
    """Return a statement that copies the shared rows which a mark selects to the person."""
    return Statement(
        name,
        f"""
    INSERT INTO {{schema}}.notification ({", ".join(COLUMNS)})
    SELECT {MEMBER_COLUMNS}
    FROM jsonb_to_recordset(%s::jsonb) AS r {record}
    JOIN {{schema}}.member m USING (tenant, user_id)
    JOIN {{schema}}.notification n ON {VISIBLE_TO_MEMBER}
    WHERE n.sequence < r.sequence AND {condition}
    ON CONFLICT (tenant, user_id, id) DO NOTHING
    """,
        mergeable=True,
    )


def topic_key(topic: Topic) -> str:
    """Return the value of the user column in a topic's rows."""
    return TOPIC_PREFIX + topic.relation


def parse_intervals(tenant: str, text: str) -> list[Interval]:
    """Parse a person's rows of `member` in JSON, `[[topic, since, until], …]`."""
    rows = msgspec.json.decode(text, type=list[tuple[str, int, int]])
    return [
        Interval(Topic(tenant, topic.removeprefix(TOPIC_PREFIX)), since, until)
        for topic, since, until in rows
    ]


def shared_row_body(notification: bytes) -> str:
    """Return the body of a shared notification's row."""
    return READER_PLACEHOLDER.join(part.decode() for part in split_at_user(notification))


def membership_change(member: Member, message: LogMessage) -> Change:
    """Return the change of a user who joins or leaves a topic."""
    person, topic = member
    joined = isinstance(decode_membership(message.data), TopicJoined)
    statement = JOIN_TOPIC if joined else LEAVE_TOPIC
    row: dict[str, Any] = {
        "tenant": person.tenant,
        "user_id": person.user,
        "topic": topic_key(topic),
        "sequence": message.sequence,
    }
    return Change(statement, person, message.sequence, row)
