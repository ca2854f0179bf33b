"""Queries of the audience: SQL that reads relations, links, groups and seen events."""

from __future__ import annotations

from tidings.contracts.relations import LOCALE, TENANT_DIALECT, TIMEZONE
from tidings.projections.dedup import RECORD_SEEN

FIRST_SEEN = "SELECT event::text, sequence FROM {schema}.seen WHERE event = ANY (%s::uuid[])"
"""A row for each seen event of the given digests: its digest, its first sequence."""

SEQUENCE_OF_EVENT = "SELECT sequence FROM audience.seen WHERE event = %s"
"""One row: the first sequence of the event with a digest; none if it was never seen."""

PARTITION_CHECKPOINTS = "SELECT partition::text, sequence FROM audience.checkpoint"
"""A row for each partition: its number as text, its checkpoint."""

DIALECTS_OF_TENANTS = f"""
SELECT tenant, target FROM audience.link
WHERE tenant = ANY (%s) AND object = '{TENANT_DIALECT[0]}' AND link = '{TENANT_DIALECT[1]}'
  AND until IS NULL
"""
"""A row for each of these tenants whose last `tenant.configured` names a dialect: tenant, dialect.
"""

RECORD_SEEN_AND_MOVE = f"""
WITH new AS ({RECORD_SEEN.sql.replace("%s", "%(rows)s")} RETURNING sequence),
moved AS (
    UPDATE {{schema}}.checkpoint c SET sequence = m.sequence
    FROM unnest(%(partitions)s::integer[], %(sequences)s::bigint[], %(previous)s::bigint[])
        AS m (partition, sequence, previous)
    WHERE c.partition = m.partition
      AND (c.sequence = m.previous OR %(repeated)s AND c.sequence = m.sequence)
    RETURNING 1
)
SELECT 1 / ((SELECT count(*) FROM moved) = %(count)s)::integer,
    (SELECT array_agg(sequence) FROM new)
"""
"""Records events as seen and moves the checkpoints of `count` partitions. One row: 1, the sequences
of the new events. The division fails, and so does the transaction, if a checkpoint was elsewhere.
`repeated`: an earlier execution may have been committed, so a checkpoint may be there already.
"""

SEEN_COUNT = """
SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = '{schema}.seen'::regclass
"""
"""One row: about how many events are recorded as seen."""

SEEN_PAGE = """
SELECT string_agg(uuid_send(event), '' ORDER BY event)
FROM (SELECT event FROM {schema}.seen WHERE event > %s::uuid ORDER BY event LIMIT %s) page
"""
"""One row: the next digests after one, of 16 bytes each, one behind the other; NULL at the end."""

# `OFFSET 0` lets Postgres look each relation up by itself, and keeps conditions on `since` out of
# the index scan: they make it expect so much work that it reads the whole table instead.
_MEMBERS = """CROSS JOIN LATERAL (
        SELECT user_id, since, until FROM {schema}.relation m
        WHERE m.tenant = r.tenant AND m.object = r.object AND m.relation = r.relation OFFSET 0
    ) m"""

MEMBERS_AND_READERS = f"""
WITH direct AS (
    SELECT r.*, m.* FROM jsonb_to_recordset(%(relations)s::jsonb)
        AS r (tenant text, object text, relation text, translated boolean)
    {_MEMBERS}
    WHERE m.since <= %(until)s AND (m.until IS NULL OR m.until >= %(first)s)
), linked AS (
    SELECT r.tenant, r.object, r.link, r.relation, r.translated, m.user_id,
        greatest(l.since, m.since) AS since, least(l.until, m.until) AS until
    FROM jsonb_to_recordset(%(linked)s::jsonb)
        AS r (tenant text, object text, link text, relation text, translated boolean)
    JOIN {{schema}}.link l USING (tenant, object, link)
    JOIN {{schema}}.relation m
        ON m.tenant = l.tenant AND m.object = l.target AND m.relation = r.relation
    WHERE greatest(l.since, m.since) <= %(until)s
      AND coalesce(least(l.until, m.until) >= greatest(l.since, m.since, %(first)s), true)
), reader AS (
    SELECT tenant, user_id FROM direct WHERE translated
    UNION SELECT tenant, user_id FROM linked WHERE translated
    UNION SELECT tenant, user_id FROM jsonb_to_recordset(%(users)s::jsonb)
        AS u (tenant text, user_id text)
)
SELECT false, tenant, object, NULL, relation, user_id, since, until FROM direct
UNION ALL
SELECT false, tenant, object, link, relation, user_id, since, until FROM linked
UNION ALL
SELECT true, tenant, object, NULL, relation, user_id, since, until
FROM reader JOIN {{schema}}.relation p USING (tenant, user_id)
WHERE p.object IN ('{LOCALE}', '{TIMEZONE}')
  AND p.since <= %(until)s AND (p.until IS NULL OR p.until > %(first)s)
"""
"""The members of relations, also of those of linked objects; and the locales and time zones of
users and of the members whose relation is `translated`. Columns: whether it is a locale or time
zone, tenant, object, link, relation, user_id, since, until.
"""

_BY_OTHERS = """FROM {schema}.grouped g
    WHERE g.tenant = m.tenant AND g.group_name = m.group_name AND g.actor <> m.user_id
    AND g.sequence < %(first)s"""
_NEWEST = f"{_BY_OTHERS} AND g.sequence >= opened.sequence"
_LAST = "ORDER BY sequence DESC LIMIT 1"

OPEN_GROUPS = f"""
WITH asked AS (
    SELECT DISTINCT * FROM jsonb_to_recordset(%(asked)s::jsonb)
        AS r (tenant text, group_name text, object text, relation text)
), member AS (
    SELECT r.tenant, r.group_name, m.user_id, greatest(m.since - 1, (
        SELECT max(c.sequence) FROM {{schema}}.closing c
        WHERE c.tenant = r.tenant AND c.group_name = r.group_name AND c.user_id = m.user_id
          AND c.sequence < %(first)s
    )) AS closed
    FROM asked r {_MEMBERS}
    WHERE m.since < %(first)s AND (m.until IS NULL OR m.until >= %(first)s)
)
SELECT m.tenant, m.group_name, m.user_id, opened.sequence, opened.key, counted.count,
    array_remove(ARRAY[a.actor, b.actor, c.actor], NULL)
FROM member m
CROSS JOIN LATERAL (
    SELECT sequence, key {_BY_OTHERS} AND g.sequence > m.closed ORDER BY sequence LIMIT 1
) opened
CROSS JOIN LATERAL (SELECT count(*) {_NEWEST}) counted
CROSS JOIN LATERAL (SELECT actor {_NEWEST} {_LAST}) a
LEFT JOIN LATERAL (SELECT actor {_NEWEST} AND g.actor <> a.actor {_LAST}) b ON true
LEFT JOIN LATERAL (
    SELECT actor {_NEWEST} AND g.actor NOT IN (a.actor, b.actor) {_LAST}
) c ON true
"""
"""The groups that are open for a member before the sequence `first`. Columns: tenant, group_name,
user_id, sequence and key of the first event, number of events, the last three actors (newest
first).
"""

# `OFFSET 0` as in `_MEMBERS`. The condition on `sequence` stays inside: a group that is often read
# has many closings.
GROUP_CLOSINGS = """
SELECT c.tenant, c.group_name, c.user_id, c.sequence
FROM jsonb_to_recordset(%(asked)s::jsonb) AS r (tenant text, group_name text)
CROSS JOIN LATERAL (
    SELECT * FROM {schema}.closing c
    WHERE c.tenant = r.tenant AND c.group_name = r.group_name
      AND c.sequence BETWEEN %(first)s AND %(until)s OFFSET 0
) c
"""
"""The users who read a group between two sequences: tenant, group_name, user_id, sequence."""

SWEEP_GROUPED = "DELETE FROM {schema}.grouped WHERE at <= now() - %s"
"""Deletes events of groups older than an interval."""

SWEEP_CLOSINGS = "DELETE FROM {schema}.closing WHERE at <= now() - %s"
"""Deletes readings of groups older than an interval."""


def current_members(limit_users: int) -> str:
    """SQL: up to `limit_users` current users of each given relation: place, user_id."""
    return f"""
SELECT r.place, m.user_id
FROM jsonb_to_recordset(%s::jsonb) AS r (place integer, tenant text, object text, relation text)
CROSS JOIN LATERAL (
    SELECT a.user_id FROM audience.relation a
    WHERE a.tenant = r.tenant AND a.object = r.object AND a.relation = r.relation
      AND a.until IS NULL
    LIMIT {limit_users}
) m
"""


def connections_by_object(prefix: str, relation: str, limit_objects: int) -> str:
    """SQL: the number of connections of the users in a relation to each object with a prefix.

    Parameters: tenants, users, numbers of connections. Columns: the object without the prefix, the
    number; objects of the same name of several tenants count together.
    """
    return f"""
SELECT substr(r.object, {len(prefix) + 1}) AS name, sum(c.connections) AS connections
FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS c (tenant, user_id, connections)
JOIN audience.relation r USING (tenant, user_id)
WHERE starts_with(r.object, '{prefix}') AND r.relation = '{relation}' AND r.until IS NULL
GROUP BY name ORDER BY connections DESC, name LIMIT {limit_objects}
"""
