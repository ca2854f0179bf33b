"""Remote presence: the users connected to other edges, by their gossip; does no I/O.

Every function that depends on time takes it as an argument.
"""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.gossip import (
    CountsByTenant,
    Delta,
    Goodbye,
    PresenceSnapshot,
    UsersByTenant,
)
from tidings.contracts.subjects import Person
from tidings.edge.presence.local import GOSSIP_LIMIT_PEOPLE

EDGES_LIMIT = 256
PARTS_LIMIT = 200
PEOPLE_LIMIT = PARTS_LIMIT * GOSSIP_LIMIT_PEOPLE
"""At most so many users are kept for each edge; later ones are not shown as online."""


class Peer:
    """The users of another edge at a revision, and when they expire without news.

    `people` has the number of connections of each user.
    """

    def __init__(self) -> None:
        self.people: dict[Person, int] = {}
        self.revision = 0
        self.expires = 0.0
        self._parts: dict[int, dict[Person, int]] = {}
        self._parts_revision = 0

    def apply_delta(self, delta: Delta) -> set[Person] | None:
        """Apply a delta and return the changed users; None if an earlier delta was missed."""
        if delta.after != self.revision:
            return None
        joined = _connection_counts(delta.joined, delta.several)
        left = _connection_counts(delta.left, {})
        for person in left:
            self.people.pop(person, None)
        if len(self.people) + len(joined) <= PEOPLE_LIMIT:
            self.people |= joined
        self.revision = delta.revision
        return joined.keys() | left.keys()

    def add_snapshot_part(self, snapshot: PresenceSnapshot) -> set[Person] | None:
        """Add a part of a snapshot; return the changed users when it is complete, else None."""
        if snapshot.part >= PARTS_LIMIT:
            return None
        if snapshot.revision != self._parts_revision:
            self._parts, self._parts_revision = {}, snapshot.revision
        self._parts[snapshot.part] = _connection_counts(snapshot.people, snapshot.several)
        if len(self._parts) < min(snapshot.parts, PARTS_LIMIT):
            return None
        before, self.people = self.people, {}
        for people in self._parts.values():
            self.people |= people
        self._parts, self.revision = {}, snapshot.revision
        return before.keys() ^ self.people.keys()


class RemotePresence:
    """The users connected to other edges; times are seconds of a monotonic clock."""

    def __init__(self, ttl_seconds: float) -> None:
        self._ttl_seconds = ttl_seconds
        self._peers: dict[str, Peer] = {}
        self._unreported: set[Person] = set()
        self.outdated_edges: set[str] = set()

    def __contains__(self, person: Person) -> bool:
        return any(person in peer.people for peer in self._peers.values())

    def connection_counts(self, now: float) -> Iterator[tuple[Person, int]]:
        """Yield the users of each edge with the numbers of their connections to it."""
        for peer in self._peers.values():
            if peer.expires > now:
                yield from peer.people.items()

    def apply_gossip(self, gossip: Delta | PresenceSnapshot, now: float) -> None:
        """Apply the gossip of an edge; adds it to `outdated_edges` if a revision was missed."""
        if gossip.edge not in self._peers and len(self._peers) >= EDGES_LIMIT:
            return  # anything on the network could invent edges: memory stays bounded
        peer = self._peers.setdefault(gossip.edge, Peer())
        peer.expires = now + self._ttl_seconds
        changed = (
            peer.apply_delta(gossip)
            if isinstance(gossip, Delta)
            else peer.add_snapshot_part(gossip)
        )
        self._unreported |= changed or set()
        if changed is None and isinstance(gossip, Delta):
            self.outdated_edges.add(gossip.edge)
        elif changed is not None:
            self.outdated_edges.discard(gossip.edge)

    def forget_edge(self, goodbye: Goodbye) -> None:
        """Forget an edge that has stopped."""
        self._forget(goodbye.edge)

    def take_changes(self, now: float) -> set[Person]:
        """Return whose presence changed since the last call; drops edges whose time has run out."""
        for edge in [edge for edge, peer in self._peers.items() if peer.expires <= now]:
            self._forget(edge)
        changed, self._unreported = self._unreported, set()
        return changed

    def _forget(self, edge: str) -> None:
        if peer := self._peers.pop(edge, None):
            self._unreported |= peer.people.keys()
        self.outdated_edges.discard(edge)


def _connection_counts(people: UsersByTenant, several: CountsByTenant) -> dict[Person, int]:
    """Return the number of connections of each user: one, unless `several` has another."""
    return {
        Person(tenant, user): max(1, several.get(tenant, {}).get(user, 1))
        for tenant, users in people.items()
        for user in users
    }
