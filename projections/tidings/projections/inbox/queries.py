"""Queries of the inbox: SQL that reads a person's notifications, their state and their topics.

A row of `inbox.notification` belongs to a person or to a topic; the queries return both kinds to a
person as if all were their own. Common parameters: `people` (JSON rows of `_PEOPLE`), `limit` (the
number of notifications that a person keeps), `retention` (an interval).
"""

from __future__ import annotations

from collections.abc import Iterable

from tidings.projections.inbox.shared_rows import COLUMNS, MEMBER_COLUMNS, VISIBLE_TO_MEMBER


def newest_rows(condition: str, order: str, limit: str) -> str:
    """SQL: up to `limit` rows of person `r` that meet a condition, in an order (by bare columns).

    Returns the columns `COLUMNS`, of the person's own rows and of those of their topics.
    """
    first = f"ORDER BY {order} LIMIT {limit}"
    return f"""(
    SELECT * FROM (
        (SELECT {", ".join(COLUMNS)} FROM inbox.notification
        WHERE tenant = r.tenant AND user_id = r.user_id AND {condition} {first})
        UNION ALL
        (SELECT s.* FROM inbox.member m CROSS JOIN LATERAL (
            SELECT * FROM (
                SELECT {MEMBER_COLUMNS} FROM inbox.notification n
                WHERE {VISIBLE_TO_MEMBER} AND NOT EXISTS (
                    SELECT FROM inbox.notification own
                    WHERE (own.tenant, own.user_id, own.id) = (n.tenant, m.user_id, n.id)
                )
            ) n WHERE {condition} {first}
        ) s WHERE m.tenant = r.tenant AND m.user_id = r.user_id {first})
    ) newest {first}
)"""


RETAINED_ROWS = newest_rows("true", "sequence DESC", "%(limit)s")
"""A person's newest notifications, as many as are retained (`limit`), in any state."""

IS_VISIBLE = (
    "NOT deleted AND (expires IS NULL OR expires > now()) AND appended > now() - %(retention)s"
)
"""Condition: the notification is not deleted, expired, or beyond retention."""

IS_UNARCHIVED = "archived IS NULL"
"""Condition: it is in a client's snapshot, even if snoozed, because it reappears later."""

LIST_CONDITIONS = {
    "all": f"{IS_UNARCHIVED} AND (snoozed IS NULL OR snoozed <= now())",
    "unread": f"{IS_UNARCHIVED} AND (snoozed IS NULL OR snoozed <= now()) AND read IS NULL",
    "unseen": f"{IS_UNARCHIVED} AND (snoozed IS NULL OR snoozed <= now()) AND seen IS NULL",
    "archived": "archived IS NOT NULL",
    "snoozed": f"{IS_UNARCHIVED} AND snoozed > now()",
}
"""The condition of each list; `tidings.projections.inbox.inbox_state` counts by the same ones."""

FILTER_CONDITIONS = {
    "id": "id = %(id)s::uuid",
    "ids": "id = ANY (%(ids)s::uuid[])",
    "category": "category = ANY (%(category)s)",
    "type": "type = ANY (%(type)s)",
    "priority": "priority = ANY (%(priority)s)",
    "entity": "entity = ANY (%(entity)s)",
    "group": "group_name = ANY (%(group)s)",
    "since": "created >= %(since)s",
    "until": "created < %(until)s",
    "words": "words ILIKE %(words)s",
    "before": "sequence < %(before)s",
}
"""The condition of each filter, by the name of its parameter."""

_PEOPLE = """jsonb_to_recordset(%(people)s::jsonb)
    AS r (place integer, tenant text, user_id text, after bigint, behind bigint, wanted integer)"""

_ROW = """n.id::text, n.sequence, n.changed, n.seen, n.read, n.archived, n.snoozed,
    n.deleted, n.acted"""

INBOX_STATE = f"""
SELECT r.place, coalesce(json_agg(json_build_array(
        k.id, k.sequence,
        least(date_part('epoch', k.expires), date_part('epoch', k.appended + %(retention)s)),
        json_build_array(k.category, k.type, k.priority, k.entity, k.group_name),
        k.seen, k.read, k.archived, k.snoozed, k.deleted, k.acted
    )) FILTER (WHERE k.id IS NOT NULL), '[]')::text, (
        SELECT coalesce(json_agg(json_build_array(m.topic, m.since, m.until)), '[]')::text
        FROM inbox.member m WHERE m.tenant = r.tenant AND m.user_id = r.user_id
    )
FROM {_PEOPLE} LEFT JOIN LATERAL {RETAINED_ROWS} k ON true
GROUP BY r.place, r.tenant, r.user_id
"""
"""A row for each person: place, JSON of their `NotificationState`s, JSON for `parse_intervals`."""

NEWEST_NOTIFICATIONS = f"""
SELECT r.place, {_ROW}, true, n.body, 0
FROM {_PEOPLE} CROSS JOIN LATERAL (
    SELECT * FROM {RETAINED_ROWS} k
    WHERE {IS_VISIBLE} AND {IS_UNARCHIVED} ORDER BY sequence DESC LIMIT r.wanted
) n ORDER BY r.place, n.sequence DESC
"""
"""The newest `wanted` of each person, with the columns of `changed_notifications`; the total is 0.
"""

INBOX_POSITION = """
SELECT (SELECT sequence FROM inbox.checkpoint WHERE epoch = %s), (SELECT swept FROM inbox.horizon)
"""
"""One row: the checkpoint (NULL if the rows are of another epoch), the horizon of swept rows."""

TENANTS_WITH_TOPICS = """
SELECT (SELECT sequence FROM inbox.checkpoint WHERE epoch = %s),
    (SELECT array_agg(DISTINCT tenant) FROM inbox.member)
"""
"""One row: the checkpoint (NULL if the rows are of another epoch), the tenants (NULL if none)."""

SWEEP_INBOX = """
WITH swept AS (
    DELETE FROM {schema}.notification WHERE appended <= now() - %s RETURNING changed
)
UPDATE {schema}.horizon
SET swept = greatest(horizon.swept, (SELECT coalesce(max(changed), 0) FROM swept))
"""
"""Deletes notifications older than an interval, and raises the horizon to what it deleted."""


def changed_notifications(limit_rows: int, limit_bytes: int) -> str:
    """SQL: the changes for each person after the row (`after`, `behind`), oldest change first.

    Columns: place, id, sequence, changed, seen, read, archived, snoozed, deleted, acted, whether it
    is visible, body, the total number of changes. At most `limit_rows` for each person, and no more
    than begin within `limit_bytes`.
    """
    behind = "(changed, sequence) > (r.after, r.behind)"
    return f"""
SELECT r.place, {_ROW}, {IS_VISIBLE}, n.body, n.found
FROM {_PEOPLE} CROSS JOIN LATERAL (
    SELECT *, count(*) OVER () AS found,
        sum(octet_length(body)) OVER (ORDER BY changed, sequence) AS bytes
    FROM {newest_rows(behind, "changed, sequence", str(limit_rows))} page
) n WHERE n.bytes - octet_length(n.body) <= {limit_bytes}
ORDER BY r.place, n.changed, n.sequence
"""


def listed_notifications(list_name: str | None, filters: Iterable[str]) -> str:
    """SQL: a person's newest `wanted` of a list (None: of all) that meet `FILTER_CONDITIONS`.

    Columns: those of `changed_notifications`; place and total are 0.
    """
    conditions = [LIST_CONDITIONS[list_name]] if list_name else []
    conditions += [FILTER_CONDITIONS[name] for name in filters]
    return f"""
SELECT 0, {_ROW}, true, n.body, 0
FROM {_PEOPLE} CROSS JOIN LATERAL (
    SELECT * FROM {RETAINED_ROWS} k
    WHERE {" AND ".join([IS_VISIBLE, *conditions])}
    ORDER BY sequence DESC LIMIT r.wanted
) n ORDER BY n.sequence DESC
"""


def awaited_reads(limit_rows: int) -> str:
    """SQL: notifications whose first reading is awaited, read by a mark after a sequence.

    Parameters: the sequence, the epoch (no rows if the read model is of another one). Columns:
    user_id, read_first (the mark's sequence), read, body. Rows of one mark stay together, so there
    may be more than `limit_rows`. Rows commit together with their checkpoint, so no row is added
    later before those that were returned.
    """
    return f"""
SELECT n.user_id, n.read_first, n.read, n.body FROM {{schema}}.notification n
WHERE n.awaited AND n.read_first > %s
    AND EXISTS (SELECT FROM {{schema}}.checkpoint WHERE epoch = %s)
ORDER BY n.read_first FETCH FIRST {limit_rows} ROWS WITH TIES
"""


NOTIFICATIONS_OF_PEOPLE = f"""
SELECT w.tenant, w.user_id, n.id::text, n.read, n.archived, n.snoozed, n.deleted, n.acted, n.body
FROM jsonb_to_recordset(%(wanted)s::jsonb) AS w (tenant text, user_id text, id uuid)
CROSS JOIN LATERAL (
    (SELECT {", ".join(COLUMNS)} FROM inbox.notification
    WHERE tenant = w.tenant AND user_id = w.user_id AND id = w.id)
    UNION ALL
    (SELECT {MEMBER_COLUMNS} FROM inbox.member m JOIN inbox.notification n ON {VISIBLE_TO_MEMBER}
    WHERE m.tenant = w.tenant AND m.user_id = w.user_id AND n.id = w.id)
    LIMIT 1
) n
"""
"""A row for each notification (`wanted`: tenant, user_id, id) that its person has, in any state."""

MEMBERS_OF_TOPIC = """
SELECT user_id FROM inbox.member
WHERE tenant = %(tenant)s AND topic = %(topic)s AND since < %(sequence)s AND until > %(sequence)s
ORDER BY user_id OFFSET %(skipped)s LIMIT %(limit)s
"""
"""The members of a topic at a sequence, the same whenever it is asked."""

PRESENT_PEOPLE = """
SELECT p.tenant, p.user_id
FROM jsonb_to_recordset(%(people)s::jsonb) AS p (tenant text, user_id text)
WHERE EXISTS (
    SELECT FROM inbox.notification n WHERE n.tenant = p.tenant AND n.user_id = p.user_id
        AND (n.seen > %(since)s OR n.read > %(since)s)
)
"""
"""Those of `people` who saw or read one of their own notifications after a moment.

Columns: tenant, user_id.
"""
