"""Queries of the deliveries: SQL for what is due, ordered, or left behind, and for lists of them.

`partition` is the number of a partition of people.
"""

from __future__ import annotations

from collections.abc import Container

DELIVERIES_CHECKPOINT = "SELECT sequence FROM deliveries.checkpoint WHERE epoch = %s"
"""One row: the sequence up to which all entries are known; none before the first."""

NEXT_DUE = """
SELECT min(until) FROM deliveries.delivery
WHERE state IN ('held', 'deferred', 'doubtful') AND partition = %(partition)s
"""
"""One row: when the next delivery is due; NULL if none is held."""

_COLUMNS = """d.id::text, d.partition, d.tenant, d.user_id, d.channel, d.address, d.summary,
    d.state, d.attempt, d.until, d.ordered, d.first_ordered, (
        SELECT array_agg(i.notification::text ORDER BY i.sequence, i.notification)
        FROM deliveries.item i WHERE i.delivery = d.id
    ), d.why, (SELECT max(i.sequence) FROM deliveries.item i WHERE i.delivery = d.id),
    d.cancelled, d.step"""

DUE_DELIVERIES = f"""
SELECT {_COLUMNS} FROM deliveries.delivery d
WHERE state IN ('held', 'deferred', 'doubtful') AND partition = %(partition)s AND until <= %(at)s
ORDER BY until, id LIMIT %(limit)s
"""
"""The deliveries that are due at a moment, the earliest first. Columns: id, partition, tenant,
user_id, channel, address, summary, state, attempt, until, ordered, first_ordered, notifications,
why, sequence of the plan that joined last, cancelled, step.
"""

ORDERED_DELIVERIES = f"""
SELECT {_COLUMNS} FROM deliveries.delivery d
WHERE state = 'ordered' AND partition = %(partition)s AND channel = %(channel)s
    AND ordered > %(after)s
ORDER BY ordered FETCH FIRST %(limit)s ROWS WITH TIES
"""
"""The orders of a channel after a sequence, the earliest first; those of one entry stay together.

Columns of `DUE_DELIVERIES`.
"""

DELIVERIES_OF_IDS = f"""
SELECT {_COLUMNS} FROM deliveries.delivery d WHERE d.id = ANY (%(ids)s::uuid[])
"""
"""The deliveries of some ids; columns of `DUE_DELIVERIES`."""

INTERRUPTED_DELIVERIES = f"""
SELECT {_COLUMNS} FROM deliveries.delivery d
WHERE state = 'claimed' AND partition = %(partition)s ORDER BY sequence, id
"""
"""Deliveries whose attempt began and has no result; columns of `DUE_DELIVERIES`."""

STEP_COUNTS = """
SELECT d.tenant, d.user_id, d.address, count(*)
FROM jsonb_to_recordset(%(people)s::jsonb) AS r (tenant text, user_id text)
JOIN deliveries.delivery d ON d.tenant = r.tenant AND d.user_id = r.user_id
WHERE d.step = %(step)s AND d.state <> 'dropped' AND d.planned > %(since)s
GROUP BY d.tenant, d.user_id, d.address
"""
"""How many deliveries of a step were planned for each address of `people` since a moment.

Columns: tenant, user_id, address, count.
"""

ORDERED_BEFORE = """
SELECT d.id::text, (
    SELECT count(*) FROM (
        SELECT FROM deliveries.delivery o
        WHERE o.tenant = d.tenant AND o.user_id = d.user_id AND o.channel = d.channel
            AND o.state <> 'dropped' AND o.first_ordered > d.first_ordered - %(length)s
            AND (o.first_ordered, o.id) < (d.first_ordered, d.id)
        LIMIT %(limit)s
    ) counted
)
FROM deliveries.delivery d WHERE d.id = ANY (%(ids)s::uuid[]) AND d.first_ordered IS NOT NULL
"""
"""For each of the orders `ids`: how many deliveries on its channel were ordered for its person in
the `length` before it, and not dropped since; at most `limit`. Columns: id, count.
"""

IS_OVERDUE = """
SELECT EXISTS (
    SELECT FROM deliveries.delivery WHERE partition = %(partition)s
        AND state IN ('held', 'deferred', 'doubtful') AND until < %(before)s
) OR EXISTS (
    SELECT FROM deliveries.delivery WHERE partition = %(partition)s
        AND state = 'ordered' AND changed < %(before)s
)
"""
"""One row: whether a delivery should have been decided about or sent `before` a moment."""

OLDEST_WAITING = """
SELECT coalesce(extract(epoch FROM now() - min(since)), 0)::float
FROM unnest(%(partitions)s::integer[]) AS p (number)
CROSS JOIN LATERAL (
    (SELECT until AS since FROM deliveries.delivery
    WHERE partition = p.number AND state IN ('held', 'deferred', 'doubtful') AND until <= now()
    ORDER BY until LIMIT 1)
    UNION ALL
    (SELECT min(changed) FROM deliveries.delivery
    WHERE partition = p.number AND state = 'ordered')
) waiting
"""
"""One row: the seconds for which the oldest delivery of `partitions` is due or ordered; 0 without
one."""

MAILED_DELIVERY = """
SELECT tenant, user_id, address, attempt, as_of_event, (
    SELECT i.notification::text FROM deliveries.item i WHERE i.delivery = d.id
    ORDER BY i.sequence DESC LIMIT 1
)
FROM deliveries.delivery d WHERE id = %(id)s AND channel = 'email'
"""
"""The mail of an id. Columns: tenant, user_id, address, attempt, as_of_event, newest notification.
"""

SOFT_BOUNCES = """
SELECT count(*) FROM deliveries.delivery
WHERE tenant = %(tenant)s AND user_id = %(user)s AND channel = 'email' AND address = %(address)s
    AND state = 'failed' AND code LIKE ANY (%(codes)s) AND as_of_event >= %(stated)s
    AND changed > now() - %(since)s
"""
"""One row: how many mails to an address came back with a code like these; only those count that
were decided about at the event `stated` or later.
"""

FAILING_SINCE = """
SELECT min(first_ordered) FROM deliveries.delivery
WHERE tenant = %(tenant)s AND user_id = %(user)s AND channel = %(channel)s
    AND address = %(address)s AND first_ordered IS NOT NULL
    AND (id = %(id)s OR state IN ('deferred', 'failed', 'doubtful', 'claimed')
         OR (state IN ('held', 'ordered') AND attempt > 1))
    AND first_ordered > coalesce((
        SELECT max(changed) FROM deliveries.delivery
        WHERE tenant = %(tenant)s AND user_id = %(user)s AND channel = %(channel)s
            AND address = %(address)s AND state = 'sent'
    ), '-infinity')
"""
"""One row: when the first of the deliveries was ordered that did not reach an address, although
none has since; NULL if there is none. `id`: one that failed just now, which its row may not know.
"""

SWEEP_DELIVERIES = """
DELETE FROM {schema}.delivery WHERE changed <= now() - %s
    AND state NOT IN ('held', 'deferred', 'ordered', 'claimed')
"""
"""Deletes settled deliveries that did not change for an interval."""

_LIST_CONDITIONS = {
    "tenant": "d.tenant = %(tenant)s",
    "user": "d.user_id = %(user)s",
    "state": "d.state = %(state)s",
    "states": "d.state = ANY (%(states)s)",
    "channel": "d.channel = %(channel)s",
    "id": "d.id = %(id)s::uuid",
    "notification": """EXISTS (
        SELECT FROM deliveries.item i
        WHERE i.delivery = d.id AND i.notification = %(notification)s::uuid
    )""",
}


def deliveries_page(parameters: Container[str]) -> str:
    """SQL: `limit` + 1 deliveries before a sequence, the newest change first.

    `parameters` names the filters that are given: `tenant`, `user`, `state` or `states`, `channel`,
    `id`, `notification`. Columns: tenant, user_id, id, channel, address, summary, state, until,
    why, why_row, why_event, attempt, code, reply, notifications (the newest `items`), cancelled,
    planned, changed, sequence. Those of one entry stay together, so there may be more of them.
    """
    filters = [text for name, text in _LIST_CONDITIONS.items() if name in parameters]
    conditions = ["d.sequence < %(before)s", *filters]
    return f"""
SELECT d.tenant, d.user_id, d.id::text, d.channel, d.address, d.summary, d.state, d.until, d.why,
    d.why_row, d.why_event, d.attempt, d.code, d.reply, (
        SELECT array_agg(n.notification::text ORDER BY n.sequence, n.notification) FROM (
            SELECT i.notification, i.sequence FROM deliveries.item i WHERE i.delivery = d.id
            ORDER BY i.sequence DESC, i.notification DESC LIMIT %(items)s
        ) n
    ), d.cancelled, d.planned, d.changed, d.sequence
FROM deliveries.delivery d
WHERE {" AND ".join(conditions)}
ORDER BY d.sequence DESC FETCH FIRST (%(limit)s + 1) ROWS WITH TIES
"""
