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


def settings_owners(people: Iterable[Person], tenants: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return the owners of the settings that concern people: themselves, and their tenants.

    `tenants`: tenants whose own settings are read besides.
    """
    wanted = set(people)
    of_tenants = {person.tenant for person in wanted} | set(tenants)
    return [{"tenant": person.tenant, "user_id": person.user} for person in sorted(wanted)] + [
        {"tenant": tenant, "user_id": TENANT} for tenant in sorted(of_tenants)
    ]
