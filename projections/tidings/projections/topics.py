"""Topics in the inbox: rows that all who belong to a topic share, until one of them marks one: then it is their own."""

from __future__ import annotations

from typing import Any

import msgspec
from tidings.contracts.codec import cut, decode_membership
from tidings.contracts.notifications import Joined
from tidings.contracts.subjects import Member, Topic
from tidings.projections.belonging import OPEN, Span
from tidings.projections.projection import Change, Message, Statement

READER = "\x01"
"""Stands in the body of a shared row where its reader's name goes; no JSON has it."""

OWNER = " @"
"""A topic's rows have this and its relation for their user: no id begins with a blank."""

COLUMNS = (
    *(
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
    ),
    *(
        "appended",
        "expires",
        "seen",
        "read",
        "archived",
        "snoozed",
        "deleted",
        "awaited",
        "read_first",
    ),
    "acted",
    *("left_out", "body"),
)

SCHEMA = f"""
CREATE TABLE {{schema}}.member (
    tenant text NOT NULL,
    user_id text NOT NULL,
    topic text NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL DEFAULT {OPEN},
    PRIMARY KEY (tenant, user_id, topic, since)
);
CREATE UNIQUE INDEX ON {{schema}}.member (tenant, user_id, topic) WHERE until = {OPEN};
"""

_ROWS = (
    "jsonb_to_recordset(%s::jsonb) AS r (tenant text, user_id text, topic text, sequence bigint)"
)

JOIN = Statement(
    "join",
    f"""
    INSERT INTO {{schema}}.member (tenant, user_id, topic, since)
    SELECT tenant, user_id, topic, sequence FROM {_ROWS} ORDER BY sequence
    ON CONFLICT (tenant, user_id, topic) WHERE until = {OPEN} DO NOTHING
    """,
    joins=True,
)

LEAVE = Statement(
    "leave",
    f"""
    UPDATE {{schema}}.member m SET until = r.sequence FROM {_ROWS}
    WHERE m.tenant = r.tenant AND m.user_id = r.user_id AND m.topic = r.topic AND m.until = {OPEN}
    """,
)

_FOR = """n.tenant = m.tenant AND n.user_id = m.topic AND n.sequence > m.since AND n.sequence < m.until
      AND n.left_out IS DISTINCT FROM m.user_id"""
_OWN = {
    "user_id": "m.user_id",
    "body": f"replace(n.body, chr({ord(READER)}), to_json(m.user_id)::text) AS body",
}
_AS_OWN = ", ".join(_OWN.get(column, f"n.{column}") for column in COLUMNS)
"""A topic's row `n` as one of member `m`'s own."""


def adopt(name: str, which: str, record: str) -> Statement:
    """A statement that gives a person their own copy of those shared rows that a mark is about."""
    return Statement(
        name,
        f"""
    INSERT INTO {{schema}}.notification ({", ".join(COLUMNS)})
    SELECT {_AS_OWN}
    FROM jsonb_to_recordset(%s::jsonb) AS r {record}
    JOIN {{schema}}.member m USING (tenant, user_id)
    JOIN {{schema}}.notification n ON {_FOR}
    WHERE n.sequence < r.sequence AND {which}
    ON CONFLICT (tenant, user_id, id) DO NOTHING
    """,
        joins=True,
    )


def told(fitting: str, order: str, limit: str) -> str:
    """SQL: of what person `r` was told, alone or by a topic, up to so many rows that fit, in an order (both by bare columns)."""
    first = f"ORDER BY {order} LIMIT {limit}"
    return f"""(
    SELECT * FROM (
        (SELECT {", ".join(COLUMNS)} FROM inbox.notification WHERE tenant = r.tenant AND user_id = r.user_id AND {fitting} {first})
        UNION ALL
        (SELECT s.* FROM inbox.member m CROSS JOIN LATERAL (
            SELECT * FROM (
                SELECT {_AS_OWN} FROM inbox.notification n
                WHERE {_FOR} AND NOT EXISTS (
                    SELECT FROM inbox.notification own WHERE (own.tenant, own.user_id, own.id) = (n.tenant, m.user_id, n.id)
                )
            ) n WHERE {fitting} {first}
        ) s WHERE m.tenant = r.tenant AND m.user_id = r.user_id {first})
    ) told {first}
)"""


def key(topic: Topic) -> str:
    """What stands for a topic where otherwise a user does."""
    return OWNER + topic.relation


def spans(tenant: str, text: str) -> list[Span]:
    """A person's rows of `member` as JSON, `[[topic, since, until], …]`."""
    found = msgspec.json.decode(text, type=list[tuple[str, int, int]])
    return [
        Span(Topic(tenant, topic.removeprefix(OWNER)), since, until)
        for topic, since, until in found
    ]


def shared_body(notification: bytes) -> str:
    """A shared notification as its row has it."""
    return READER.join(part.decode() for part in cut(notification))


def membership(member: Member, message: Message) -> Change:
    """Somebody comes to a topic or leaves it."""
    person, topic = member
    statement = JOIN if isinstance(decode_membership(message.data), Joined) else LEAVE
    row: dict[str, Any] = {
        "tenant": person.tenant,
        "user_id": person.user,
        "topic": key(topic),
        "sequence": message.sequence,
    }
    return Change(statement, person, message.sequence, row)
