"""The inbox: every person's notifications as they now stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts.codec import decode_entry, instant
from contracts.cursor import Cursor
from contracts.notifications import Mark, Notification
from contracts.subjects import INBOXES, NOTIFICATIONS, Person, person_of
from projections.projection import Change, Message, Projection, Statement

SCHEMA = """
CREATE TABLE {schema}.notification (
    tenant text NOT NULL,
    user_id text NOT NULL,
    id uuid NOT NULL,
    sequence bigint NOT NULL,
    changed bigint NOT NULL,
    appended timestamptz NOT NULL,
    expires timestamptz,
    seen timestamptz,
    read timestamptz,
    archived timestamptz,
    deleted boolean NOT NULL DEFAULT false,
    body text NOT NULL,
    PRIMARY KEY (tenant, user_id, id)
);
CREATE INDEX ON {schema}.notification (tenant, user_id, sequence);
CREATE INDEX ON {schema}.notification (tenant, user_id, changed);
CREATE INDEX ON {schema}.notification USING brin (appended);
CREATE TABLE {schema}.horizon (swept bigint NOT NULL);
INSERT INTO {schema}.horizon VALUES (0);
"""

NOTIFY = Statement(
    "notify",
    """
    INSERT INTO {schema}.notification AS n (tenant, user_id, id, sequence, changed, appended, expires, body)
    SELECT tenant, user_id, id, sequence, sequence, appended, expires, body
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (tenant text, user_id text, id uuid, sequence bigint, appended timestamptz, expires timestamptz, body text)
    ON CONFLICT (tenant, user_id, id) DO UPDATE SET
        sequence = excluded.sequence, changed = excluded.changed, appended = excluded.appended,
        expires = excluded.expires, body = excluded.body, seen = NULL, read = NULL, archived = NULL, deleted = false
    """,
    joins=True,
)

_MARK = """
    UPDATE {schema}.notification n SET
        changed = r.sequence,
        seen = CASE WHEN r.state IN ('seen', 'read') THEN coalesce(n.seen, r.at) ELSE n.seen END,
        read = CASE r.state WHEN 'read' THEN coalesce(n.read, r.at) WHEN 'unread' THEN NULL ELSE n.read END,
        archived = CASE r.state WHEN 'archived' THEN coalesce(n.archived, r.at) WHEN 'unarchived' THEN NULL ELSE n.archived END,
        deleted = r.state = 'deleted'
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (tenant text, user_id text, state text, at timestamptz, sequence bigint, ids uuid[], up_to bigint)
    WHERE n.tenant = r.tenant AND n.user_id = r.user_id AND NOT n.deleted AND {which}
      AND CASE r.state
          WHEN 'read' THEN n.read IS NULL WHEN 'unread' THEN n.read IS NOT NULL
          WHEN 'seen' THEN n.seen IS NULL
          WHEN 'archived' THEN n.archived IS NULL WHEN 'unarchived' THEN n.archived IS NOT NULL
          ELSE true END
    """

MARK_IDS = Statement("mark_ids", _MARK.replace("{which}", "n.id = ANY (r.ids)"))
MARK_UP_TO = Statement("mark_up_to", _MARK.replace("{which}", "n.sequence <= r.up_to"))

KEPT = """(
    SELECT * FROM inbox.notification
    WHERE tenant = r.tenant AND user_id = r.user_id
    ORDER BY sequence DESC LIMIT %(limit)s
)"""
"""A person's newest notifications, as many as are kept (`limit`), whatever their state."""

VISIBLE = "NOT deleted AND (expires IS NULL OR expires > now()) AND appended > now() - %(retention)s"
"""Of these, what the person can still see at all."""

LISTED = {
    "all": "archived IS NULL",
    "unread": "archived IS NULL AND read IS NULL",
    "unseen": "archived IS NULL AND seen IS NULL",
    "archived": "archived IS NOT NULL",
}
"""Of these, what each list shows; `projections.standing` counts by the same predicates."""


def evolve(message: Message) -> Iterator[Change]:
    """A notification is written whole, a mark touches those it names."""
    person = person_of(message.subject)
    match decode_entry(message.data):
        case Notification() as notification:
            yield Change(NOTIFY, person, (person, notification.id), _notified(person, notification, message))
        case Mark(up_to=str()) as mark:
            yield Change(MARK_UP_TO, person, message.sequence, _marked(person, mark, message))
        case Mark() as mark:
            yield Change(MARK_IDS, person, message.sequence, _marked(person, mark, message))


def _notified(person: Person, notification: Notification, message: Message) -> dict[str, Any]:
    return {
        "tenant": person.tenant,
        "user_id": person.user,
        "id": notification.id,
        "sequence": message.sequence,
        "appended": instant(message.time_nanoseconds),
        "expires": notification.expires,
        "body": message.data.decode(),
    }


def _marked(person: Person, mark: Mark, message: Message) -> dict[str, Any]:
    return {
        "tenant": person.tenant,
        "user_id": person.user,
        "state": mark.state,
        "at": mark.at,
        "sequence": message.sequence,
        "ids": mark.ids,
        "up_to": Cursor.parse(mark.up_to).sequence if mark.up_to else None,
    }


INBOX = Projection(name="inbox", version=1, stream=NOTIFICATIONS, subjects=INBOXES, schema=SCHEMA, evolve=evolve)
