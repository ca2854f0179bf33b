"""Queries of the deliveries: SQL for what is due, ordered, or left behind, and for lists of them.

`partition` is the number of a partition of people.
"""

from __future__ import annotations

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
    )"""

DUE_DELIVERIES = f"""
SELECT {_COLUMNS} FROM deliveries.delivery d
WHERE state IN ('held', 'deferred', 'doubtful') AND partition = %(partition)s AND until <= %(at)s
ORDER BY until, id LIMIT %(limit)s
"""
"""The deliveries that are due at a moment, the earliest first. Columns: id, partition, tenant,
user_id, channel, address, summary, state, attempt, until, ordered, first_ordered, notifications.
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

INTERRUPTED_DELIVERIES = f"""
SELECT {_COLUMNS} FROM deliveries.delivery d
WHERE state = 'claimed' AND partition = %(partition)s ORDER BY sequence, id
"""
"""Deliveries whose attempt began and has no result; columns of `DUE_DELIVERIES`."""

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

SWEEP_DELIVERIES = """
DELETE FROM {schema}.delivery WHERE changed <= now() - %s
    AND state NOT IN ('held', 'deferred', 'ordered', 'claimed')
"""
"""Deletes settled deliveries that did not change for an interval."""
