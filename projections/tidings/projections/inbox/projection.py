"""The inbox: the notifications of each person in their current state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tidings.contracts.codec import (
    decode_entry,
    decode_notification,
    decode_shared_notification,
    instant,
)
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import Entry, Filter, Mark, Notification, SharedNotification
from tidings.contracts.subjects import LOGS, NOTIFICATIONS, Member, Person, Topic, owner_of
from tidings.projections.inbox import shared_rows
from tidings.projections.projection import Change, LogMessage, Projection, Statement

SCHEMA = f"""
{shared_rows.SCHEMA}
CREATE TABLE {{schema}}.notification (
    tenant text NOT NULL,
    user_id text NOT NULL,
    id uuid NOT NULL,
    sequence bigint NOT NULL,
    changed bigint NOT NULL,
    category text NOT NULL,
    type text NOT NULL,
    priority text NOT NULL,
    entity text,
    group_name text,
    words text NOT NULL,
    created timestamptz NOT NULL,
    appended timestamptz NOT NULL,
    expires timestamptz,
    seen timestamptz,
    read timestamptz,
    archived timestamptz,
    snoozed timestamptz,
    deleted boolean NOT NULL DEFAULT false,
    awaited boolean NOT NULL,
    read_first bigint,
    acted text,
    left_out text,
    body text NOT NULL,
    PRIMARY KEY (tenant, user_id, id)
);
CREATE INDEX ON {{schema}}.notification (tenant, user_id, sequence);
CREATE INDEX ON {{schema}}.notification (tenant, user_id, changed, sequence);
CREATE INDEX ON {{schema}}.notification USING brin (appended);
CREATE INDEX ON {{schema}}.notification (read_first) WHERE awaited;
CREATE TABLE {{schema}}.horizon (swept bigint NOT NULL);
INSERT INTO {{schema}}.horizon VALUES (0);
"""

UPSERT_NOTIFICATION = Statement(
    "notify",
    """
    INSERT INTO {schema}.notification AS n
        (tenant, user_id, id, sequence, changed, category, type, priority, entity, group_name,
         words, created, appended, expires, awaited, left_out, body)
    SELECT tenant, user_id, id, sequence, sequence, category, type, priority, entity, group_name,
        words, created, appended, expires, awaited, left_out, body
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (tenant text, user_id text, id uuid, sequence bigint, category text, type text,
         priority text, entity text, group_name text, words text, created timestamptz,
         appended timestamptz, expires timestamptz, awaited boolean, left_out text, body text)
    ON CONFLICT (tenant, user_id, id) DO UPDATE SET
        sequence = excluded.sequence, changed = excluded.changed, category = excluded.category,
        type = excluded.type, priority = excluded.priority, entity = excluded.entity,
        group_name = excluded.group_name, words = excluded.words, created = excluded.created,
        appended = excluded.appended, expires = excluded.expires, awaited = excluded.awaited,
        body = excluded.body,
        seen = NULL, read = NULL, archived = NULL, snoozed = NULL, acted = NULL, deleted = false
    """,
    mergeable=True,
)

_MARK_RECORD = """(tenant text, user_id text, state text, at timestamptz, sequence bigint,
         ids uuid[], up_to bigint, until timestamptz, category text, type text, entity text,
         group_name text, unread boolean, action text)"""
# The last condition skips rows that the mark does not change: `changed` must not move for them, or
# every client would be sent them again.
_MARK = f"""
    UPDATE {{schema}}.notification n SET
        changed = r.sequence,
        read_first = CASE r.state WHEN 'read' THEN coalesce(n.read_first, r.sequence)
                     ELSE n.read_first END,
        seen = CASE WHEN r.state IN ('seen', 'read') THEN coalesce(n.seen, r.at) ELSE n.seen END,
        read = CASE r.state WHEN 'read' THEN coalesce(n.read, r.at)
               WHEN 'unread' THEN NULL ELSE n.read END,
        archived = CASE WHEN r.state = 'archived' THEN coalesce(n.archived, r.at)
                        WHEN r.state IN ('unarchived', 'snoozed') THEN NULL ELSE n.archived END,
        snoozed = CASE WHEN r.state = 'snoozed' THEN r.until
                       WHEN r.state IN ('unsnoozed', 'archived') THEN NULL ELSE n.snoozed END,
        acted = CASE r.state WHEN 'acted' THEN r.action ELSE n.acted END,
        deleted = r.state = 'deleted'
    FROM jsonb_to_recordset(%s::jsonb) AS r {_MARK_RECORD}
    WHERE n.tenant = r.tenant AND n.user_id = r.user_id AND NOT n.deleted AND {{condition}}
      AND CASE r.state
          WHEN 'read' THEN n.read IS NULL WHEN 'unread' THEN n.read IS NOT NULL
          WHEN 'seen' THEN n.seen IS NULL
          WHEN 'archived' THEN n.archived IS NULL WHEN 'unarchived' THEN n.archived IS NOT NULL
          WHEN 'snoozed' THEN n.snoozed IS DISTINCT FROM r.until OR n.archived IS NOT NULL
          WHEN 'unsnoozed' THEN n.snoozed IS NOT NULL
          WHEN 'acted' THEN n.acted IS NULL
          ELSE true END
    """

_IDS = "n.id = ANY (r.ids)"
_UP_TO = "n.sequence <= r.up_to"
_FILTER = """n.sequence < r.sequence
      AND (r.category IS NULL OR n.category = r.category) AND (r.type IS NULL OR n.type = r.type)
      AND (r.entity IS NULL OR n.entity = r.entity)
      AND (r.group_name IS NULL OR n.group_name = r.group_name)
      AND (r.unread IS NOT TRUE OR n.read IS NULL)"""

MARK_IDS = Statement("mark_ids", _MARK.replace("{condition}", _IDS))
MARK_UP_TO = Statement("mark_up_to", _MARK.replace("{condition}", _UP_TO))
MARK_FILTER = Statement("mark_filter", _MARK.replace("{condition}", _FILTER))
COPY_SHARED_IDS = shared_rows.copy_shared_rows("adopt_ids", _IDS, _MARK_RECORD)
COPY_SHARED_UP_TO = shared_rows.copy_shared_rows("adopt_up_to", _UP_TO, _MARK_RECORD)
COPY_SHARED_FILTER = shared_rows.copy_shared_rows("adopt_filter", _FILTER, _MARK_RECORD)


def evolve(message: LogMessage) -> Iterator[Change]:
    """Insert a notification, apply a mark, or change a membership.

    A mark first copies the shared rows that it selects, so that it changes only this person's.
    """
    match owner_of(message.subject):
        case Member() as member:
            yield shared_rows.membership_change(member, message)
        case Topic() as topic:
            yield _shared_change(topic, decode_shared_notification(message.data), message)
        case Person() as person:
            yield from _entry_changes(person, decode_entry(message.data), message)


def _entry_changes(person: Person, entry: Entry, message: LogMessage) -> Iterator[Change]:
    match entry:
        case Notification():
            yield Change(
                UPSERT_NOTIFICATION,
                person,
                (person, entry.id),
                _notification_row(person, entry, message),
            )
        case Mark(up_to=str()):
            yield from _mark_changes(person, COPY_SHARED_UP_TO, MARK_UP_TO, entry, message)
        case Mark(filter=Filter()):
            yield from _mark_changes(person, COPY_SHARED_FILTER, MARK_FILTER, entry, message)
        case Mark():
            yield from _mark_changes(person, COPY_SHARED_IDS, MARK_IDS, entry, message)


def _mark_changes(
    person: Person, copy: Statement, statement: Statement, mark: Mark, message: LogMessage
) -> Iterator[Change]:
    row = _mark_row(person, mark, message)
    # Shared rows have the tenant as their scope, and must exist before they are copied.
    yield Change(copy, person, message.sequence, row, after_scope=person.tenant)
    yield Change(statement, person, message.sequence, row)


def _shared_change(topic: Topic, shared: SharedNotification, message: LogMessage) -> Change:
    body = bytes(shared.notification)
    notification = decode_notification(body)
    row = _notification_row(
        Person(topic.tenant, shared_rows.topic_key(topic)), notification, message
    )
    row |= {"left_out": shared.left_out, "body": shared_rows.shared_row_body(body)}
    return Change(UPSERT_NOTIFICATION, topic.tenant, (topic, notification.id), row)


def _notification_row(
    person: Person, notification: Notification, message: LogMessage
) -> dict[str, Any]:
    return {
        "tenant": person.tenant,
        "user_id": person.user,
        "id": notification.id,
        "sequence": message.sequence,
        "category": notification.category,
        "type": notification.type,
        "priority": notification.priority,
        "entity": notification.entity and notification.entity.name,
        "group_name": notification.group,
        # Postgres cannot store NUL in a text; the body keeps it, escaped.
        "words": f"{notification.title}\n{notification.message}".replace("\0", ""),
        "created": notification.created,
        "appended": instant(message.time_nanoseconds),
        "expires": _in_utc(notification.expires),
        # A reading is reported to the sender, or it closes the group of an accumulating one.
        "awaited": notification.receipt or notification.count is not None,
        "body": message.data.decode(),
    }


def _mark_row(person: Person, mark: Mark, message: LogMessage) -> dict[str, Any]:
    return {
        "tenant": person.tenant,
        "user_id": person.user,
        "state": mark.state,
        "at": mark.at,
        "sequence": message.sequence,
        "ids": mark.ids,
        "up_to": Cursor.parse(mark.up_to).sequence if mark.up_to else None,
        "until": _in_utc(mark.until),
        "action": mark.action,
        **_filter_columns(mark.filter),
    }


def _in_utc(moment: datetime | None) -> datetime | None:
    """Return a moment in UTC: Postgres refuses offsets of 16 hours and more, which RFC 3339 has."""
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # in the first or the last day of the calendar
        return moment.replace(tzinfo=UTC)


def _filter_columns(filter_: Filter | None) -> dict[str, Any]:
    if filter_ is None:
        return {}
    return {
        "category": filter_.category,
        "type": filter_.type,
        "entity": filter_.entity,
        "group_name": filter_.group,
        "unread": filter_.unread,
    }


INBOX = Projection(
    name="inbox", version=5, stream=NOTIFICATIONS, subjects=LOGS, schema=SCHEMA, evolve=evolve
)
