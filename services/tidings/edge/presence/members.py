"""Members: the users of a relation now, from the audience read model, cached for two seconds."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from tidings.contracts.codec import encode
from tidings.contracts.subjects import Topic
from tidings.edge.delivery.batcher import Batcher
from tidings.projections.audience.queries import current_members
from tidings.runtime.errors import Permanent
from tidings.runtime.readmodels.postgres import Postgres

CACHE_TTL_SECONDS = 2.0
CACHE_LIMIT_USERS = 200_000
MEMBERS_LIMIT = 1000

MEMBERS_QUERY = current_members(MEMBERS_LIMIT + 1)


class RelationTooLarge(Permanent):
    """A relation has too many members to be watched or signalled to."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(
            f"{topic.relation} has more than {MEMBERS_LIMIT} members:"
            " too many to watch or to signal to"
        )


class NotAMember(Permanent):
    """The user is no member of a relation, so may neither watch it nor signal to it."""

    def __init__(self, topic: Topic) -> None:
        super().__init__(f"you are not a member of {topic.relation}")


class _CachedMembers(NamedTuple):
    users: frozenset[str]
    expires: float


class Members:
    """Reads members from Postgres, many relations in one query.

    A user who leaves a relation may count as a member for `CACHE_TTL_SECONDS` more.
    """

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._cache: dict[Topic, _CachedMembers] = {}
        self._size = 0
        self._batcher: Batcher[Topic, frozenset[str]] = Batcher(self._query)

    async def users_of(self, topic: Topic) -> frozenset[str]:
        """Return the members of a relation; raises RelationTooLarge or Unavailable."""
        now = asyncio.get_running_loop().time()
        cached = self._cache.get(topic)
        if cached is None or cached.expires <= now:
            cached = _CachedMembers(await self._batcher.submit(topic), now + CACHE_TTL_SECONDS)
            self._store(topic, cached)
        if len(cached.users) > MEMBERS_LIMIT:
            raise RelationTooLarge(topic)
        return cached.users

    async def require_member(self, user: str, topic: Topic) -> frozenset[str]:
        """Return the members, of whom `user` must be one; raises NotAMember too."""
        users = await self.users_of(topic)
        if user not in users:
            raise NotAMember(topic)
        return users

    def _store(self, topic: Topic, cached: _CachedMembers) -> None:
        self._forget(topic)
        self._cache[topic] = cached
        self._size += len(cached.users) + 1
        while self._size > CACHE_LIMIT_USERS:
            self._forget(next(iter(self._cache)))

    def _forget(self, topic: Topic) -> None:
        if cached := self._cache.pop(topic, None):
            self._size -= len(cached.users) + 1

    async def _query(self, topics: list[Topic]) -> list[frozenset[str]]:
        members: list[set[str]] = [set() for _ in topics]
        async with self._postgres.connection() as connection:
            rows = await (
                await connection.execute(MEMBERS_QUERY.encode(), (_query_parameter(topics),))
            ).fetchall()
        for row in rows:
            members[int(row[0])].add(str(row[1]))
        return [frozenset(users) for users in members]


def _query_parameter(topics: list[Topic]) -> str:
    relations: list[dict[str, Any]] = []
    for place, (tenant, relation) in enumerate(topics):
        object_, _, name = relation.partition("#")
        relations.append({"place": place, "tenant": tenant, "object": object_, "relation": name})
    return encode(relations).decode()
