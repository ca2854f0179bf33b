"""Queries of the deliveries for the doctor: SQL for what waits too long, and what has failed."""

from __future__ import annotations

DELIVERY_HEALTH = """
SELECT
    count(*) FILTER (WHERE state IN ('held', 'deferred', 'doubtful') AND until < %(overdue)s
        OR state = 'ordered' AND changed < %(overdue)s),
    min(CASE WHEN state = 'ordered' THEN changed ELSE until END) FILTER (
        WHERE state IN ('held', 'deferred', 'doubtful') AND until < %(overdue)s
        OR state = 'ordered' AND changed < %(overdue)s),
    count(*) FILTER (WHERE state = 'doubtful' AND until IS NULL),
    count(*) FILTER (WHERE state = 'failed' AND changed > %(since)s)
FROM deliveries.delivery
WHERE state IN ('held', 'deferred', 'doubtful', 'ordered')
    OR state = 'failed' AND changed > %(since)s
"""
"""One row: how many deliveries are due or ordered since before `overdue`, since when the oldest;
how many may have been sent or not and wait for an operator; how many failed after `since`.
"""

SUPPRESSED_PLACES = """
SELECT count(*) FROM preferences.setting
WHERE kind = 'suppressed' AND until IS NULL AND value::jsonb ->> 'reason' <> 'withdrawn'
"""
"""One row: how many addresses, devices and endpoints nothing is sent to because it came back."""
