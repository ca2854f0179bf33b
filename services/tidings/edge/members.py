"""Members: who stands in a relation now, as the audience read model has it; known for a moment, then asked for again."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from tidings.contracts.codec import encode
from tidings.contracts.subjects import Topic
from tidings.edge.gather import Gather
from tidings.runtime.errors import Permanent
from tidings.runtime.postgres import Postgres

FRESH_SECONDS = 2.0
CACHE_USERS = 200_000
MEMBERS_LIMIT = 1000

MEMBERS = f"""
SELECT r.place, m.user_id
FROM jsonb_to_recordset(%s::jsonb) AS r (place integer, tenant text, object text, relation text)
CROSS JOIN LATERAL (
    SELECT a.user_id FROM audience.relation a
    WHERE a.tenant = r.tenant AND a.object = r.object AND a.relation = r.relation AND a.until IS NULL
    LIMIT {MEMBERS_LIMIT + 1}
) m
"""


class TooLarge(Permanent):
    """More people stand in a relation than can be watched or spoken to at once."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(
            f"more than {MEMBERS_LIMIT} people stand in {topic.relation}: too many to watch or to signal to"
        )


class NoMember(Permanent):
    """Only who stands in a relation may watch it or signal to it."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(f"you do not stand in {topic.relation}")


class _Known(NamedTuple):
    users: frozenset[str]
    until: float


class Members:
    """Asks Postgres, many relations in one query; whoever leaves a relation is known to have left two seconds later at most."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._known: dict[Topic, _Known] = {}
        self._size = 0
        self._gather: Gather[Topic, frozenset[str]] = Gather(self._answer)

    async def of(self, topic: Topic) -> frozenset[str]:
        """Who stands in a relation; raises TooLarge or Unavailable."""
        now = asyncio.get_running_loop().time()
        known = self._known.get(topic)
        if known is None or known.until <= now:
            known = _Known(await self._gather.ask(topic), now + FRESH_SECONDS)
            self._remember(topic, known)
        if len(known.users) > MEMBERS_LIMIT:
            raise TooLarge(topic)
        return known.users

    async def admit(self, user: str, topic: Topic) -> frozenset[str]:
        """The same for one who must be among them; raises NoMember too."""
        users = await self.of(topic)
        if user not in users:
            raise NoMember(topic)
        return users

    def _remember(self, topic: Topic, known: _Known) -> None:
        self._forget(topic)
        self._known[topic] = known
        self._size += len(known.users) + 1
        while self._size > CACHE_USERS:
            self._forget(next(iter(self._known)))

    def _forget(self, topic: Topic) -> None:
        if known := self._known.pop(topic, None):
            self._size -= len(known.users) + 1

    async def _answer(self, topics: list[Topic]) -> list[frozenset[str]]:
        found: list[set[str]] = [set() for _ in topics]
        async with self._postgres.connection() as connection:
            rows = await (await connection.execute(MEMBERS.encode(), (_asked(topics),))).fetchall()
        for row in rows:
            found[int(row[0])].add(str(row[1]))
        return [frozenset(users) for users in found]


def _asked(topics: list[Topic]) -> str:
    asked: list[dict[str, Any]] = []
    for place, (tenant, relation) in enumerate(topics):
        object_, _, name = relation.partition("#")
        asked.append({"place": place, "tenant": tenant, "object": object_, "relation": name})
    return encode(asked).decode()
