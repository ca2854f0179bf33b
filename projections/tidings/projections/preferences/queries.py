"""Queries of the preferences: SQL that reads the settings of many owners at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tidings.contracts.subjects import Person
from tidings.projections.preferences.values import TENANT

PREFERENCES_CHECKPOINT = "SELECT sequence FROM preferences.checkpoint WHERE epoch = %s"
"""One row: the sequence of `EVENTS` up to which all settings are known; none before the first."""

# `OFFSET 0` lets Postgres look each owner up by itself.
SETTINGS_AS_OF = """
SELECT s.tenant, s.user_id, s.kind, s.key, s.since, s.value
FROM jsonb_to_recordset(%(owners)s::jsonb) AS r (tenant text, user_id text)
CROSS JOIN LATERAL (
    SELECT * FROM preferences.setting p
    WHERE p.tenant = r.tenant AND p.user_id = r.user_id OFFSET 0
) s
WHERE s.since <= %(as_of)s AND (s.until IS NULL OR s.until > %(as_of)s)
ORDER BY s.since
"""
"""The settings of `owners` (`settings_owners`, as JSON) after the event `as_of` of `EVENTS`.

They are complete only if the checkpoint is at `as_of` or later. Rows for `read_settings`.
"""

ENDPOINTS = """
SELECT s.tenant, s.user_id, s.kind, s.key, s.since, s.value FROM preferences.setting s
WHERE s.user_id = '' AND s.kind IN ('endpoint', 'replay', 'suppressed') AND s.until IS NULL
    AND (%(tenants)s::text[] IS NULL OR s.tenant = ANY (%(tenants)s))
ORDER BY s.since
"""
"""The settings about the endpoints of these tenants, NULL for all. Rows for `read_settings`."""

ENDPOINTS_REGISTERED = """
SELECT r.tenant, r.key, min(r.since) FROM preferences.setting r
WHERE r.user_id = '' AND r.kind = 'endpoint'
    AND (%(tenants)s::text[] IS NULL OR r.tenant = ANY (%(tenants)s))
    AND r.since > coalesce((
        SELECT max(e.until) FROM preferences.setting e
        WHERE e.tenant = r.tenant AND e.user_id = '' AND e.kind = 'endpoint' AND e.key = r.key
            AND NOT EXISTS (
                SELECT FROM preferences.setting n
                WHERE n.tenant = e.tenant AND n.user_id = '' AND n.kind = 'endpoint'
                    AND n.key = e.key AND n.since = e.until
            )
    ), 0)
GROUP BY r.tenant, r.key
"""
"""The endpoints of these tenants, NULL for all: tenant, id, and the event that registered it, for
the first time since it was withdrawn last.
"""

SCHEDULES_NOW = """
SELECT s.tenant, s.key, s.since, s.value, t.value, p.value
FROM preferences.setting s
LEFT JOIN preferences.setting t ON t.tenant = s.tenant AND t.user_id = s.user_id
    AND t.kind = 'schedule_time' AND t.key = s.key AND t.until IS NULL
LEFT JOIN preferences.setting p ON p.tenant = s.tenant AND p.user_id = s.user_id
    AND p.kind = 'published' AND p.key = s.key AND p.until IS NULL
WHERE s.user_id = ' ' AND s.kind = 'schedule' AND s.until IS NULL
    AND (%(tenant)s::text IS NULL OR s.tenant = %(tenant)s)
ORDER BY s.since
"""
"""The schedules of a tenant, NULL for all: tenant, id, the event that stated it, and the values of
its `schedule`, `schedule_time` and `published`.
"""

NEWEST_CHANGE = """
SELECT coalesce(max(greatest(since, until)), 0) FROM preferences.setting
WHERE tenant = %(tenant)s AND user_id = ANY (%(owners)s)
"""
"""One row: the sequence of the newest event that began or ended a setting of these owners."""


ADDRESS_STATED = """
SELECT greatest(
    max(since) FILTER (WHERE kind <> 'suppressed'), max(until) FILTER (WHERE kind = 'suppressed')
)
FROM preferences.setting
WHERE tenant = %(tenant)s AND user_id = %(user)s
    AND (kind, key) IN (
        ('address', %(address)s), ('confirmed', %(address)s), ('suppressed', %(place)s)
    )
"""
"""One row: the last event that gave, confirmed or restored an address; NULL without any.

`place` is its `changes.place_key`.
"""


def settings_owners(people: Iterable[Person], tenants: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return the owners of the settings that concern people: themselves, and their tenants.

    `tenants`: tenants whose own settings are read besides.
    """
    wanted = set(people)
    of_tenants = {person.tenant for person in wanted} | set(tenants)
    return [{"tenant": person.tenant, "user_id": person.user} for person in sorted(wanted)] + [
        {"tenant": tenant, "user_id": TENANT} for tenant in sorted(of_tenants)
    ]
