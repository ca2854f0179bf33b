"""Groups: how a group stood for each of those who are told of it, as of each of a batch's events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from tidings.contracts.codec import encode
from tidings.contracts.events import AnyRecorded
from tidings.notifier.rule import Relation
from tidings.projections.groups import belongs

ACTORS_LIMIT = 3

_THEIRS = """FROM {schema}.grouped g WHERE g.tenant = m.tenant AND g.group_name = m.group_name AND g.actor <> m.user_id
    AND g.sequence < %(first)s"""
_NEWEST = f"{_THEIRS} AND g.sequence >= opened.sequence ORDER BY sequence DESC LIMIT 1"

STOOD = f"""
WITH asked AS (
    SELECT DISTINCT * FROM jsonb_to_recordset(%(asked)s::jsonb) AS r (tenant text, group_name text, object text, relation text)
), member AS (
    SELECT a.tenant, a.group_name, m.user_id, greatest(m.since - 1, (
        SELECT max(c.sequence) FROM {{schema}}.closing c
        WHERE c.tenant = a.tenant AND c.group_name = a.group_name AND c.user_id = m.user_id AND c.sequence < %(first)s
    )) AS closed
    FROM asked a JOIN {{schema}}.relation m USING (tenant, object, relation)
    WHERE m.since < %(first)s AND (m.until IS NULL OR m.until >= %(first)s)
)
SELECT m.tenant, m.group_name, m.user_id, opened.sequence, opened.key, counted.count, array_remove(ARRAY[a.actor, b.actor, c.actor], NULL)
FROM member m
CROSS JOIN LATERAL (SELECT sequence, key {_THEIRS} AND g.sequence > m.closed ORDER BY sequence LIMIT 1) opened
CROSS JOIN LATERAL (SELECT count(*) {_THEIRS} AND g.sequence >= opened.sequence) counted
CROSS JOIN LATERAL (SELECT actor {_NEWEST}) a
LEFT JOIN LATERAL (SELECT actor {_NEWEST.replace("ORDER", "AND g.actor <> a.actor ORDER")}) b ON true
LEFT JOIN LATERAL (SELECT actor {_NEWEST.replace("ORDER", "AND g.actor NOT IN (a.actor, b.actor) ORDER")}) c ON true
"""
"""How the groups asked for stood for their members before a batch's `first` event."""

CLOSED = """
SELECT c.tenant, c.group_name, c.user_id, c.sequence FROM jsonb_to_recordset(%(asked)s::jsonb) AS r (tenant text, group_name text)
JOIN {schema}.closing c USING (tenant, group_name) WHERE c.sequence BETWEEN %(first)s AND %(until)s
"""
"""Who read theirs within the batch."""

Key = tuple[str, str]
"""A tenant and a group."""


class Open(NamedTuple):
    """Somebody's open group: its first event (sequence and key), how many there are, and whose the newest are, the latest first."""

    sequence: int
    key: str
    events: int
    actors: tuple[str, ...]

    def with_one_of(self, actor: str) -> Open:
        """The same with one event more."""
        return self._replace(
            events=self.events + 1,
            actors=(actor, *(each for each in self.actors if each != actor))[:ACTORS_LIMIT],
        )


def parameters(
    asked: Iterable[tuple[str, str, Relation]], first: int, until: int
) -> dict[str, Any]:
    """For `STOOD` and `CLOSED`."""
    rows = [
        {"tenant": tenant, "group_name": group, "object": of.object, "relation": of.name}
        for tenant, group, of in asked
    ]
    return {"asked": encode(rows).decode(), "first": first, "until": until}


class Groups:
    """The groups of a batch: as they stood before it, and who read theirs within it; each event is taken on in order."""

    def __init__(self, stood: Iterable[tuple[Any, ...]], closed: Iterable[tuple[Any, ...]]) -> None:
        self._open: dict[Key, dict[str, Open]] = defaultdict(dict)
        self._closed: dict[tuple[Key, str], list[int]] = defaultdict(list)
        for tenant, group, user, sequence, key, events, actors in stood:
            self._open[tenant, group][user] = Open(sequence, key, events, tuple(actors))
        for tenant, group, user, sequence in closed:
            self._closed[(tenant, group), user].append(sequence)

    def take(self, recorded: AnyRecorded, recipients: Iterable[tuple[str, int]]) -> dict[str, Open]:
        """How the group of an event stands with it, for each recipient, of whom is said since when they stand in the relation."""
        found = belongs(recorded)
        if found is None:
            return {}
        key = (recorded.tenant, found.group)
        opened = self._open[key]
        for user, since in recipients:
            before = opened.get(user)
            closed = max(since - 1, self._last_closed(key, user, recorded.sequence))
            if before and before.sequence > closed:
                opened[user] = before.with_one_of(found.actor)
            else:
                opened[user] = Open(recorded.sequence, recorded.key, 1, (found.actor,))
        return {user: opened[user] for user, _ in recipients}

    def _last_closed(self, key: Key, user: str, before: int) -> int:
        return max(
            (sequence for sequence in self._closed.get((key, user), ()) if sequence < before),
            default=0,
        )
