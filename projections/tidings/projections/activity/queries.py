"""Queries of the activity log: SQL that reads one page."""

from __future__ import annotations

from collections.abc import Container

_MENTION_JOINS = {
    "user": """JOIN activity.concern u
    ON u.tenant = h.tenant AND u.sequence = h.sequence AND u.about = %(user)s""",
    "entity": """JOIN activity.concern e
    ON e.tenant = h.tenant AND e.sequence = h.sequence AND e.about = %(entity)s""",
}

_FILTER_CONDITIONS = {
    "types": "h.type = ANY (%(types)s)",
    "since": "h.at >= %(since)s",
    "until": "h.at < %(until)s",
}


def activity_page(parameters: Container[str]) -> str:
    """SQL: up to `limit` + 1 events of a tenant before a sequence, newest first.

    `parameters` names the filters that are given: `user`, `entity`, `types`, `since`, `until`.
    Columns: sequence, type, actor, entity, at, data (NULL if it was too long to be kept).
    """
    joins = [join for name, join in _MENTION_JOINS.items() if name in parameters]
    filters = [condition for name, condition in _FILTER_CONDITIONS.items() if name in parameters]
    conditions = ["h.tenant = %(tenant)s", "h.sequence < %(before)s", *filters]
    return f"""
SELECT h.sequence, h.type, h.actor, h.entity, h.at, h.data
FROM activity.happening h {" ".join(joins)}
WHERE {" AND ".join(conditions)}
ORDER BY h.sequence DESC LIMIT %(limit)s + 1
"""
