"""Elsewhere: who is connected to other edges, as far as they have said so of late; told the time, it waits for nothing."""

from __future__ import annotations

from tidings.contracts.gossip import Changed, Ended, People, Whole
from tidings.contracts.subjects import Person
from tidings.edge.here import MESSAGE_PEOPLE

EDGES_LIMIT = 256
PARTS_LIMIT = 200
PEOPLE_LIMIT = PARTS_LIMIT * MESSAGE_PEOPLE
"""So many people of another edge are known; of more, only those who came first."""


class Peer:
    """What another edge has said, up to a revision, and until when it is believed."""

    def __init__(self) -> None:
        self.people: set[Person] = set()
        self.revision = 0
        self.until = 0.0
        self._parts: dict[int, set[Person]] = {}
        self._parts_of = 0

    def change(self, said: Changed) -> set[Person] | None:
        """Follow a change, and say whom it concerns; None if something before it was missed."""
        if said.after != self.revision:
            return None
        joined, left = _people(said.joined), _people(said.left)
        self.people -= left
        self.people |= joined if len(self.people) + len(joined) <= PEOPLE_LIMIT else set()
        self.revision = said.revision
        return joined | left

    def gather(self, said: Whole) -> set[Person] | None:
        """Take a part of the whole, and say whom it concerns; None as long as parts are missing."""
        if said.part >= PARTS_LIMIT:
            return None
        if said.revision != self._parts_of:
            self._parts, self._parts_of = {}, said.revision
        self._parts[said.part] = _people(said.people)
        if len(self._parts) < min(said.parts, PARTS_LIMIT):
            return None
        before, self.people = self.people, set[Person]().union(*self._parts.values())
        self._parts, self.revision = {}, said.revision
        return before ^ self.people


class Elsewhere:
    """Times are seconds of a clock that never goes back."""

    def __init__(self, believed_seconds: float) -> None:
        self._believed_seconds = believed_seconds
        self._peers: dict[str, Peer] = {}
        self._changed: set[Person] = set()
        self.missed: set[str] = set()

    def __contains__(self, person: Person) -> bool:
        return any(person in peer.people for peer in self._peers.values())

    def hear(self, said: Changed | Whole, now: float) -> None:
        """Believe what another edge says; if something before it was missed, `missed` names it."""
        if said.edge not in self._peers and len(self._peers) >= EDGES_LIMIT:
            return
        peer = self._peers.setdefault(said.edge, Peer())
        peer.until = now + self._believed_seconds
        changed = peer.change(said) if isinstance(said, Changed) else peer.gather(said)
        self._changed |= changed or set()
        if changed is None and isinstance(said, Changed):
            self.missed.add(said.edge)
        elif changed is not None:
            self.missed.discard(said.edge)

    def ended(self, said: Ended) -> None:
        """Forget an edge that has stopped."""
        self._forget(said.edge)

    def news(self, now: float) -> set[Person]:
        """Whom it concerns what has been heard since this was last asked; edges silent for too long are forgotten."""
        for edge in [edge for edge, peer in self._peers.items() if peer.until <= now]:
            self._forget(edge)
        changed, self._changed = self._changed, set()
        return changed

    def _forget(self, edge: str) -> None:
        if peer := self._peers.pop(edge, None):
            self._changed |= peer.people
        self.missed.discard(edge)


def _people(by_tenant: People) -> set[Person]:
    return {Person(tenant, user) for tenant, users in by_tenant.items() for user in users}
