"""Watches: who wants to know whose presence, told as it changes, at most once a second for each circle of people."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress

from tidings.contracts.gossip import People
from tidings.contracts.subjects import Person, Topic
from tidings.edge import wire
from tidings.edge.circle import Circle
from tidings.edge.here import Tab
from tidings.edge.members import Members, TooLarge
from tidings.edge.presence import Presence
from tidings.runtime.errors import Permanent, Unavailable

REST_SECONDS = 1.0
RENEW_SECONDS = 2.0
RENEW_TOPICS = 200
WATCHES_LIMIT = 20
TOPICS_LIMIT = 20_000


class TooMany(Permanent):
    """As much is watched as may be."""


class Watches:
    """The watches of all connections to this edge; those of one relation share a circle."""

    def __init__(self, presence: Presence, members: Members) -> None:
        self._presence = presence
        self._members = members
        self._topics: dict[Topic, Circle] = {}
        self._circles: dict[str, set[Circle]] = defaultdict(set)
        self._of: dict[Tab, dict[str | None, Circle]] = {}

    @property
    def circles(self) -> int:
        """How many there are."""
        return sum(map(len, self._circles.values()))

    async def watch(self, person: Person, tab: Tab, relation: str, *, admin: bool = False) -> None:
        """Watch a relation; raises NoMember, TooLarge, TooMany or Unavailable."""
        topic = Topic(person.tenant, relation)
        users = await (
            self._members.of(topic) if admin else self._members.admit(person.user, topic)
        )
        self._check_limits(topic, self._of.get(tab, {}))
        circle = self._topics.setdefault(topic, Circle(topic.tenant, relation, users))
        self._add(circle, tab, None if admin else person.user)

    def watch_users(self, person: Person, tab: Tab, users: frozenset[str]) -> None:
        """Watch users, instead of those watched before."""
        self.unwatch(tab, None)
        self._add(Circle(person.tenant, None, users), tab, None)

    def unwatch(self, tab: Tab, relation: str | None) -> None:
        """End the watch of a relation, or of users."""
        circle = self._of.get(tab, {}).pop(relation, None)
        if circle is None:
            return
        circle.remove(tab)
        if not self._of[tab]:
            del self._of[tab]
        if not circle.watchers:
            self._drop(circle)

    def leave(self, tab: Tab) -> None:
        """End all watches of a connection."""
        for relation in list(self._of.get(tab, ())):
            self.unwatch(tab, relation)

    def stir(self, changed: People) -> None:
        """The presence of these users may have changed."""
        for tenant, users in changed.items():
            for circle in self._circles.get(tenant, ()):
                circle.stirred = circle.stirred or not circle.users.isdisjoint(users)

    def tell(self, now: float) -> None:
        """Tell what has changed, circle by circle, each if it has rested long enough."""
        for circle in [
            each
            for circles in self._circles.values()
            for each in circles
            if each.stirred and each.due <= now
        ]:
            if circle.tell(self._presence.online):
                circle.due = now + REST_SECONDS

    async def renew(self) -> None:
        """Look again and again who stands in the relations; whoever does not any more watches no longer. Runs until cancelled."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            topics = list(self._topics)
            for first in range(0, len(topics), RENEW_TOPICS):
                await asyncio.gather(
                    *[self._renew(topic) for topic in topics[first : first + RENEW_TOPICS]]
                )

    async def _renew(self, topic: Topic) -> None:
        users: frozenset[str] = frozenset()
        with suppress(TooLarge):
            try:
                users = await self._members.of(topic)
            except Unavailable:
                return
        circle = self._topics.get(topic)
        for tab in circle.consist_of(users) if circle else ():
            self.unwatch(tab, topic.relation)
            tab.tell(
                wire.error(
                    "forbidden",
                    f"you do not stand in {topic.relation} any more, or too many do",
                    retry=False,
                )
            )

    def _check_limits(self, topic: Topic, watched: Mapping[str | None, Circle]) -> None:
        if topic.relation not in watched and len(watched) >= WATCHES_LIMIT:
            raise TooMany(
                f"a connection may watch {WATCHES_LIMIT} relations at once; end another watch first"
            )
        if topic not in self._topics and len(self._topics) >= TOPICS_LIMIT:
            raise TooMany("too many relations are watched here; try again later")

    def _add(self, circle: Circle, tab: Tab, user: str | None) -> None:
        self._circles[circle.tenant].add(circle)
        self._of.setdefault(tab, {})[circle.relation] = circle
        circle.add(tab, user, self._presence.online)

    def _drop(self, circle: Circle) -> None:
        if circle.relation is not None:
            self._topics.pop(Topic(circle.tenant, circle.relation), None)
        self._circles[circle.tenant].discard(circle)
        if not self._circles[circle.tenant]:
            del self._circles[circle.tenant]
