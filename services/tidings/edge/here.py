"""Here: who is connected to this edge, and what to tell other edges of it; told the time, it waits for nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from tidings.contracts.gossip import Changed, People, Whole
from tidings.contracts.subjects import Person
from tidings.edge.wire import Page

LINGER_SECONDS = 1.0
"""Whoever comes back within this, as when a page is loaded anew, was never away."""
MESSAGE_PEOPLE = 500


class Tab(Protocol):
    """A connection of a person's, as far as others may say something to it."""

    @property
    def id(self) -> str:
        """Its name, as its hello says it."""
        ...

    def tell(self, page: Page) -> bool:
        """Take a frame that stands outside the chain; False if the client lags and must do without it."""
        ...


class Here:
    """Times are seconds of a clock that never goes back."""

    def __init__(self, edge: str) -> None:
        self.edge = edge
        self._tabs: dict[str, dict[str, list[Tab]]] = {}
        self._leaving: dict[Person, float] = {}
        self._unsaid: set[Person] = set()
        self._revision = 0

    def __contains__(self, person: Person) -> bool:
        return person.user in self.tabs(person.tenant)

    def tabs(self, tenant: str) -> Mapping[str, Sequence[Tab]]:
        """The connections of a tenant's people, by user; for a moment after the last one, a user has none."""
        return self._tabs.get(tenant, {})

    def join(self, person: Person, tab: Tab) -> None:
        """One more connection."""
        if person not in self:
            self._unsaid.add(person)
        self._leaving.pop(person, None)
        self._tabs.setdefault(person.tenant, {}).setdefault(person.user, []).append(tab)

    def leave(self, person: Person, tab: Tab, now: float) -> None:
        """One connection less; after the last one the person is gone in a moment."""
        tabs = self._tabs[person.tenant][person.user]
        tabs.remove(tab)
        if not tabs:
            self._leaving[person] = now + LINGER_SECONDS

    def news(self, now: float) -> tuple[set[Person], list[Changed]]:
        """Who came and went since this was last asked, and how to say so, in messages of bounded size."""
        for person in [person for person, until in self._leaving.items() if until <= now]:
            self._gone(person)
        changed, self._unsaid = self._unsaid, set()
        people = list(changed)
        return changed, [
            self._said(people[first : first + MESSAGE_PEOPLE])
            for first in range(0, len(people), MESSAGE_PEOPLE)
        ]

    def alive(self) -> Changed:
        """What to say when there is no news."""
        return Changed(edge=self.edge, after=self._revision, revision=self._revision)

    def whole(self) -> Iterator[Whole]:
        """Everybody, to be said right after the news."""
        people = [Person(tenant, user) for tenant, users in self._tabs.items() for user in users]
        parts = max(1, -(-len(people) // MESSAGE_PEOPLE))
        for part in range(parts):
            some = by_tenant(people[part * MESSAGE_PEOPLE : (part + 1) * MESSAGE_PEOPLE])
            yield Whole(
                edge=self.edge, revision=self._revision, part=part, parts=parts, people=some
            )

    def _gone(self, person: Person) -> None:
        del self._leaving[person], self._tabs[person.tenant][person.user]
        if not self._tabs[person.tenant]:
            del self._tabs[person.tenant]
        self._unsaid.add(person)

    def _said(self, people: list[Person]) -> Changed:
        after, self._revision = self._revision, self._revision + 1
        joined, left = (
            [each for each in people if each in self],
            [each for each in people if each not in self],
        )
        return Changed(
            edge=self.edge,
            after=after,
            revision=self._revision,
            joined=by_tenant(joined),
            left=by_tenant(left),
        )


def by_tenant(people: Iterable[Person]) -> People:
    """People as users by tenant."""
    found: People = defaultdict(list)
    for tenant, user in people:
        found[tenant].append(user)
    return dict(found)
