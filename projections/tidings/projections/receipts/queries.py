"""Queries of the receipts: SQL that reads how far devices have received."""

from __future__ import annotations

LAST_SENT = """
SELECT (SELECT sequence FROM receipts.checkpoint WHERE epoch = %s), (
    SELECT max(cursor) FROM receipts.receipt r
    WHERE r.tenant = p.tenant AND r.user_id = p.user_id
)
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS p (tenant, user_id, place) ORDER BY p.place
"""
"""A row for each person, in the given order: the checkpoint (NULL if the rows are of another
epoch), the last sequence that any of their devices has (NULL if none).
"""

DELIVERIES_OF_EVENT = """
SELECT n.user_id, n.appended, d.at, d.device, n.seen, n.read
FROM inbox.notification n LEFT JOIN LATERAL (
    SELECT at, device FROM receipts.receipt r
    WHERE r.tenant = n.tenant AND r.user_id = n.user_id AND r.cursor >= n.sequence
      AND r.device <> %(sent)s ORDER BY at, device LIMIT 1
) d ON true
WHERE n.tenant = %(tenant)s AND n.created = %(created)s AND n.appended >= %(created)s
  AND n.body LIKE %(body)s
ORDER BY n.user_id
"""
"""A row for each notification of an event: user_id, the time when it was appended, the time when
the first device had it, that device, seen, read. `body` is a `body_pattern`.
"""

SWEEP_RECEIPTS = "DELETE FROM {schema}.receipt WHERE at <= now() - %s"
"""Deletes receipts older than an interval."""


def body_pattern(event_sequence: int) -> str:
    """Return the `LIKE` pattern of the body of an event's notifications, by its first fields."""
    # The encoder writes fields in the order of the Struct; an id has 36 characters.
    return '{"entry":"notification","id":"' + "_" * 36 + f'","event":{event_sequence},%'
