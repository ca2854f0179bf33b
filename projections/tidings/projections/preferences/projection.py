"""The preferences: settings of people and tenants, each with the events that began and ended it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.event import AnyRecordedEvent, Event
from tidings.contracts.ids import escape
from tidings.contracts.subjects import EVENTS, EVERY_EVENT
from tidings.projections import dedup
from tidings.projections.dedup import event_reference, record_seen
from tidings.projections.preferences.changes import SETTING_EVENTS, setting_changes
from tidings.projections.preferences.setting_change import SettingCleared, SettingGiven
from tidings.projections.projection import Change, LogMessage, Projection, Statement

NANOSECONDS = 1_000_000_000
SCHEMA = f"""
{dedup.SCHEMA}
CREATE TABLE {{schema}}.setting (
    tenant text NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    since bigint NOT NULL,
    until bigint,
    value text NOT NULL,
    PRIMARY KEY (tenant, user_id, kind, key, since)
);
"""

GIVE_SETTING = Statement(
    "give",
    """
    WITH given AS (
        SELECT r.* FROM jsonb_to_recordset(%s::jsonb) AS r
            (event uuid, sequence bigint, tenant text, user_id text, kind text, key text,
             value text, renews boolean, limit_rows integer)
        JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    ), changed AS (
        SELECT g.* FROM given g WHERE g.renews OR NOT EXISTS (
            SELECT FROM {schema}.setting o
            WHERE o.tenant = g.tenant AND o.user_id = g.user_id AND o.kind = g.kind
              AND o.key = g.key AND o.until IS NULL AND o.value = g.value
        )
    ), bounded AS MATERIALIZED (
        SELECT c.*, (
            SELECT n.since FROM {schema}.setting n
            WHERE n.tenant = c.tenant AND n.user_id = c.user_id AND n.kind = c.kind
              AND n.key <> c.key AND n.until IS NULL
            ORDER BY n.since DESC OFFSET c.limit_rows - 1 LIMIT 1
        ) AS oldest FROM changed c
    ), ended AS (
        UPDATE {schema}.setting o SET until = b.sequence FROM bounded b
        WHERE o.tenant = b.tenant AND o.user_id = b.user_id AND o.kind = b.kind AND o.until IS NULL
          AND (o.key = b.key OR o.since <= b.oldest)
    )
    INSERT INTO {schema}.setting (tenant, user_id, kind, key, since, value)
    SELECT tenant, user_id, kind, key, sequence, value FROM changed
    """,
)
"""Replaces a setting of the same key, and ends the oldest one beyond the limit of its kind."""

CLEAR_SETTINGS = Statement(
    "clear",
    """
    UPDATE {schema}.setting o SET until = r.sequence
    FROM jsonb_to_recordset(%s::jsonb) AS r
        (event uuid, sequence bigint, tenant text, user_id text, kind text, key text)
    JOIN {schema}.seen s ON s.event = r.event AND s.sequence = r.sequence
    WHERE o.tenant = r.tenant AND o.user_id = r.user_id AND o.until IS NULL
      AND (r.kind IS NULL OR (o.kind = r.kind AND o.key = r.key))
    """,
)
"""Ends a setting, or all of an owner's if the row has no kind."""


SETTING_DOMAINS = frozenset(escape(each.type.partition(".")[0]) for each in SETTING_EVENTS)
"""The first words of the types of events that change settings, as subjects spell them."""


def decode_setting(message: LogMessage) -> dedup.KeyedEvent | None:
    """Return an event that may change settings; others are not decoded."""
    _, _, _, domain, *_ = message.subject.split(".")
    return dedup.decode_event(message) if domain in SETTING_DOMAINS else None


def evolve(keyed: dedup.KeyedEvent) -> Iterator[Change]:
    """Record an event that changes settings as seen, then its changes; others change nothing.

    So does an event that a gateway of today would refuse: what it states cannot be used.
    """
    event, key = keyed
    if not isinstance(event.event, Event):
        return
    changes = list(setting_changes(event.event, event.time_nanoseconds // NANOSECONDS))
    if changes:
        yield record_seen(event, key)
        yield from (_change(event, key, change) for change in changes)


def _change(event: AnyRecordedEvent, key: str, change: SettingGiven | SettingCleared) -> Change:
    row: dict[str, Any] = {
        **event_reference(event, key),
        "tenant": event.tenant,
        **change._asdict(),
    }
    statement = GIVE_SETTING if isinstance(change, SettingGiven) else CLEAR_SETTINGS
    scope = (event.tenant, change.user_id)
    return Change(statement, scope, (event.sequence, change.kind, change.key), row)


PREFERENCES = Projection(
    name="preferences",
    version=1,
    stream=EVENTS,
    subjects=(EVERY_EVENT,),
    schema=SCHEMA,
    evolve=evolve,
    decode=decode_setting,
)
