"""Watches: which connections watch whose presence; reports go out once a second at most."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress

from tidings.contracts.gossip import UsersByTenant
from tidings.contracts.subjects import Person, Topic
from tidings.edge.delivery import frames
from tidings.edge.presence.cluster import ClusterPresence
from tidings.edge.presence.local import LocalConnection
from tidings.edge.presence.members import Members, RelationTooLarge
from tidings.edge.presence.watched_group import WatchedGroup
from tidings.runtime.errors import Permanent, Unavailable

REPORT_INTERVAL_SECONDS = 1.0
REFRESH_INTERVAL_SECONDS = 2.0
REFRESH_BATCH_TOPICS = 200
WATCHES_LIMIT = 20
TOPICS_LIMIT = 20_000


class TooManyWatches(Permanent):
    """A connection or the whole edge watches as many relations as it may."""


class Watches:
    """The watches of all connections to this edge; those of one relation share a group."""

    def __init__(self, cluster: ClusterPresence, members: Members) -> None:
        self._cluster = cluster
        self._members = members
        self._groups_by_topic: dict[Topic, WatchedGroup] = {}
        self._groups: dict[str, set[WatchedGroup]] = defaultdict(set)
        self._groups_by_connection: dict[LocalConnection, dict[str | None, WatchedGroup]] = {}

    @property
    def group_count(self) -> int:
        """Return the number of watched relations and user lists."""
        return sum(map(len, self._groups.values()))

    async def watch_relation(
        self, person: Person, connection: LocalConnection, relation: str, *, admin: bool = False
    ) -> None:
        """Watch a relation; raises NotAMember, RelationTooLarge, TooManyWatches or Unavailable."""
        topic = Topic(person.tenant, relation)
        users = await (
            self._members.users_of(topic)
            if admin
            else self._members.require_member(person.user, topic)
        )
        self._check_limits(topic, self._groups_by_connection.get(connection, {}))
        group = self._groups_by_topic.setdefault(topic, WatchedGroup(topic.tenant, relation, users))
        self._add_watcher(group, connection, None if admin else person.user)

    def watch_users(
        self, person: Person, connection: LocalConnection, users: frozenset[str]
    ) -> None:
        """Watch a list of users; replaces the connection's earlier list."""
        self.end_watch(connection, None)
        self._add_watcher(WatchedGroup(person.tenant, None, users), connection, None)

    def end_watch(self, connection: LocalConnection, relation: str | None) -> None:
        """End the watch of a relation, or with None that of the user list."""
        group = self._groups_by_connection.get(connection, {}).pop(relation, None)
        if group is None:
            return
        group.remove_watcher(connection)
        if not self._groups_by_connection[connection]:
            del self._groups_by_connection[connection]
        if not group.watchers:
            self._remove_group(group)

    def end_watches(self, connection: LocalConnection) -> None:
        """End all watches of a connection."""
        for relation in list(self._groups_by_connection.get(connection, ())):
            self.end_watch(connection, relation)

    def mark_changed(self, changed: UsersByTenant) -> None:
        """Note that the presence of these users may have changed."""
        for tenant, users in changed.items():
            for group in self._groups.get(tenant, ()):
                group.changed = group.changed or not group.users.isdisjoint(users)

    def report_changes(self, now: float) -> None:
        """Report each changed group whose last report is at least a second old."""
        for group in [
            candidate
            for groups in self._groups.values()
            for candidate in groups
            if candidate.changed and candidate.report_due <= now
        ]:
            if group.report_changes(self._cluster.online_users):
                group.report_due = now + REPORT_INTERVAL_SECONDS

    async def refresh_members(self) -> None:
        """Read all watched relations again and again; ends the watches of users who left them."""
        while True:
            await asyncio.sleep(REFRESH_INTERVAL_SECONDS)
            topics = list(self._groups_by_topic)
            for first in range(0, len(topics), REFRESH_BATCH_TOPICS):
                await asyncio.gather(
                    *[
                        self._refresh(topic)
                        for topic in topics[first : first + REFRESH_BATCH_TOPICS]
                    ]
                )

    async def _refresh(self, topic: Topic) -> None:
        users: frozenset[str] = frozenset()
        with suppress(RelationTooLarge):
            try:
                users = await self._members.users_of(topic)
            except Unavailable:
                return
        group = self._groups_by_topic.get(topic)
        for connection in group.replace_users(users) if group else ():
            self.end_watch(connection, topic.relation)
            connection.send_droppable(
                frames.error(
                    "forbidden",
                    f"you are no longer a member of {topic.relation}, or it has too many members",
                    retry=False,
                )
            )

    def _check_limits(self, topic: Topic, watched: Mapping[str | None, WatchedGroup]) -> None:
        if topic.relation not in watched and len(watched) >= WATCHES_LIMIT:
            raise TooManyWatches(
                f"a connection may watch {WATCHES_LIMIT} relations at once; end another watch first"
            )
        if topic not in self._groups_by_topic and len(self._groups_by_topic) >= TOPICS_LIMIT:
            raise TooManyWatches("too many relations are watched here; try again later")

    def _add_watcher(
        self, group: WatchedGroup, connection: LocalConnection, user: str | None
    ) -> None:
        self._groups[group.tenant].add(group)
        self._groups_by_connection.setdefault(connection, {})[group.relation] = group
        group.add_watcher(connection, user, self._cluster.online_users)

    def _remove_group(self, group: WatchedGroup) -> None:
        if group.relation is not None:
            self._groups_by_topic.pop(Topic(group.tenant, group.relation), None)
        self._groups[group.tenant].discard(group)
        if not self._groups[group.tenant]:
            del self._groups[group.tenant]
