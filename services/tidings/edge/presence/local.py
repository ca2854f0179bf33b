"""Local presence: the users connected to this edge, and the gossip about them; does no I/O.

Every function that depends on time takes it as an argument.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from tidings.contracts.gossip import CountsByTenant, Delta, PresenceSnapshot, UsersByTenant
from tidings.contracts.subjects import Person
from tidings.edge.delivery.frames import EncodedFrame

RECONNECT_GRACE_SECONDS = 1.0
"""A user who reconnects within this time, as on a page reload, counts as never gone."""
GOSSIP_LIMIT_PEOPLE = 500


class LocalConnection(Protocol):
    """A connection, as presence and signals see it."""

    @property
    def id(self) -> str:
        """Return the id that its hello frame carries."""
        ...

    def send_droppable(self, frame: EncodedFrame) -> bool:
        """Send a frame outside the chain; return False if the client lags and does not get it."""
        ...


class LocalPresence:
    """The users connected to this edge; times are seconds of a monotonic clock."""

    def __init__(self, edge: str) -> None:
        self.edge = edge
        self._connections: dict[str, dict[str, list[LocalConnection]]] = {}
        self._leaving: dict[Person, float] = {}
        self._unreported: set[Person] = set()
        self._revision = 0

    def __contains__(self, person: Person) -> bool:
        return person.user in self.connections_of(person.tenant)

    def connections_of(self, tenant: str) -> Mapping[str, Sequence[LocalConnection]]:
        """Return the connections of a tenant by user.

        A user who has just disconnected has an empty list until the grace time is over.
        """
        return self._connections.get(tenant, {})

    def add_connection(self, person: Person, connection: LocalConnection) -> None:
        """Add a connection of a user."""
        connections = self._connections.setdefault(person.tenant, {}).setdefault(person.user, [])
        if self._leaving.pop(person, None) is None:
            self._unreported.add(person)
        connections.append(connection)

    def remove_connection(self, person: Person, connection: LocalConnection, now: float) -> None:
        """Remove a connection; after the last one the user is offline when the grace time ends."""
        connections = self._connections[person.tenant][person.user]
        connections.remove(connection)
        if connections:
            self._unreported.add(person)
        else:
            self._leaving[person] = now + RECONNECT_GRACE_SECONDS

    def connection_counts(self) -> Iterator[tuple[Person, int]]:
        """Yield each user with the number of connections; one in the grace time counts as one."""
        for tenant, users in self._connections.items():
            for user, connections in users.items():
                yield Person(tenant, user), max(1, len(connections))

    def take_changes(self, now: float) -> tuple[set[Person], list[Delta]]:
        """Return the users whose connections changed since the last call, and the deltas to send.

        A delta has at most `GOSSIP_LIMIT_PEOPLE` users.
        """
        for person in [person for person, until in self._leaving.items() if until <= now]:
            self._forget_person(person)
        changed, self._unreported = self._unreported, set()
        people = list(changed)
        return changed, [
            self._delta(people[first : first + GOSSIP_LIMIT_PEOPLE])
            for first in range(0, len(people), GOSSIP_LIMIT_PEOPLE)
        ]

    def keepalive(self) -> Delta:
        """Return an empty delta, which shows that this edge is alive."""
        return Delta(edge=self.edge, after=self._revision, revision=self._revision)

    def snapshot_parts(self) -> Iterator[PresenceSnapshot]:
        """Return all users in parts of bounded size.

        Publish them after the deltas of `take_changes`: they carry the revision reached by those.
        """
        people = [person for person, _ in self.connection_counts()]
        parts = max(1, -(-len(people) // GOSSIP_LIMIT_PEOPLE))
        for part in range(parts):
            listed = people[part * GOSSIP_LIMIT_PEOPLE : (part + 1) * GOSSIP_LIMIT_PEOPLE]
            yield PresenceSnapshot(
                edge=self.edge,
                revision=self._revision,
                part=part,
                parts=parts,
                people=group_by_tenant(listed),
                several=self._several(listed),
            )

    def _forget_person(self, person: Person) -> None:
        del self._leaving[person], self._connections[person.tenant][person.user]
        if not self._connections[person.tenant]:
            del self._connections[person.tenant]
        self._unreported.add(person)

    def _delta(self, people: list[Person]) -> Delta:
        after, self._revision = self._revision, self._revision + 1
        joined, left = (
            [person for person in people if person in self],
            [person for person in people if person not in self],
        )
        return Delta(
            edge=self.edge,
            after=after,
            revision=self._revision,
            joined=group_by_tenant(joined),
            left=group_by_tenant(left),
            several=self._several(joined),
        )

    def _several(self, people: Iterable[Person]) -> CountsByTenant:
        """Return the number of connections of each of these users with more than one."""
        counts: CountsByTenant = defaultdict(dict)
        for tenant, user in people:
            if (count := len(self._connections[tenant][user])) > 1:
                counts[tenant][user] = count
        return dict(counts)


def group_by_tenant(people: Iterable[Person]) -> UsersByTenant:
    """Group users by tenant."""
    users: UsersByTenant = defaultdict(list)
    for tenant, user in people:
        users[tenant].append(user)
    return dict(users)
