"""The audience: who stood how to what, from which event to which; and which events have been seen before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from contracts.codec import InvalidEvent, recorded
from contracts.events import (
    AnyRecorded,
    RoleGranted,
    RoleRevoked,
    TaskAssigned,
    TaskUnassigned,
    TaskUnwatched,
    TaskWatched,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
    UserJoined,
    UserLeft,
)
from contracts.subjects import EVENTS
from projections.projection import Change, Message, Projection, Statement

SCHEMA = """
CREATE TABLE {schema}.seen (
    event uuid PRIMARY KEY,
    sequence bigint NOT NULL
);
CREATE TABLE {schema}.relation (
    tenant text NOT NULL,
    object text NOT NULL,
    relation text NOT NULL,
    user_id text NOT NULL,
    since bigint NOT NULL,
    until bigint,
    PRIMARY KEY (tenant, object, relation, user_id, since)
);
CREATE UNIQUE INDEX ON {schema}.relation (tenant, user_id, object, relation) WHERE until IS NULL;
CREATE INDEX ON {schema}.relation (tenant, user_id) WHERE object = 'locale';
"""

LOCALE = "locale"
"""The object that somebody stands to in the relation `de` who speaks German; in one at a time."""
_LOCALE = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,8}){0,4}\Z")

SEE = Statement(
    "see",
    """
    INSERT INTO {schema}.seen (event, sequence)
    SELECT event, sequence FROM jsonb_to_recordset(%s::jsonb) AS r (event uuid, sequence bigint)
    ON CONFLICT (event) DO NOTHING
    """,
    joins=True,
)

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

Opening = tuple[Statement, str | None, str | None, str]
"""Open or close, the object, the relation (None: whichever), the user."""


def evolve(message: Message) -> Iterator[Change]:
    """Note the event as seen, then open and close what it says; of an event seen at another sequence, nothing takes effect."""
    try:
        event = recorded(message.data, message.sequence, message.time_nanoseconds)
    except InvalidEvent:
        return
    yield from changes(event, seen_key(event))


def changes(event: AnyRecorded, key: str) -> Iterator[Change]:
    """The same for an event already read, with its `seen_key`."""
    once = {"event": key, "sequence": event.sequence}
    yield Change(SEE, event.sequence, event.sequence, once)
    for statement, object_, relation, user in relations(event):
        row: dict[str, Any] = {**once, "tenant": event.tenant, "object": object_, "relation": relation, "user_id": user}
        yield Change(statement, (event.tenant, user), (event.sequence, object_, relation, user), row)


def seen_key(event: AnyRecorded) -> str:
    """The digest of the event's deduplication key."""
    return digest(event.key)


def digest(key: str) -> str:
    """A deduplication key in 128 bits, as hex digits."""
    return blake2b(key.encode(), digest_size=16).hexdigest()


def relations(recorded: AnyRecorded) -> Iterator[Opening]:  # noqa: C901  one decision, however many events
    """What an event says of who stands how to what from now on."""
    match recorded.event:
        case TaskAssigned() as event:
            yield OPEN, f"task:{event.task_id}", "assignee", event.user_id
        case TaskUnassigned() as event:
            yield CLOSE, f"task:{event.task_id}", "assignee", event.user_id
        case TaskWatched() as event:
            yield OPEN, f"task:{event.task_id}", "watcher", event.user_id
        case TaskUnwatched() as event:
            yield CLOSE, f"task:{event.task_id}", "watcher", event.user_id
        case TimelogApproved(task_id=str()) as event:
            yield OPEN, f"task:{event.task_id}", "volunteer", event.user_id
        case TeamMemberAdded() as event:
            yield from _joins_team(event)
        case TeamMemberRemoved() as event:
            yield CLOSE, f"project:{event.project_id}", event.role, event.user_id
        case UserJoined() as event:
            yield OPEN, "tenant", "member", event.user_id
            yield from _speaks(event)
        case UserLeft() as event:
            yield CLOSE, None, None, event.user_id
        case RoleGranted() as event:
            yield OPEN, "tenant", event.role, event.user_id
        case RoleRevoked() as event:
            yield CLOSE, "tenant", event.role, event.user_id
        case _:
            pass


def _joins_team(event: TeamMemberAdded) -> Iterator[Opening]:
    yield OPEN, f"project:{event.project_id}", "member", event.user_id
    if event.role and event.role != "member":
        yield OPEN, f"project:{event.project_id}", event.role, event.user_id


def _speaks(event: UserJoined) -> Iterator[Opening]:
    """Whoever says what they speak no longer speaks another; what nobody could speak (RFC 5646) opens nothing."""
    if event.locale is None:
        return
    yield CLOSE, LOCALE, None, event.user_id
    locale = event.locale.partition(".")[0].lower().replace("_", "-")
    if _LOCALE.match(locale):
        yield OPEN, LOCALE, locale, event.user_id


AUDIENCE = Projection(
    name="audience", version=2, stream=EVENTS, subjects=("events.{partition}.>",), schema=SCHEMA, evolve=evolve, partitioned=True
)
