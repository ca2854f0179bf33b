"""A circle: people whose presence some connections watch, and what those have been told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tidings.contracts.codec import encode
from tidings.contracts.frames import Presence as PresenceFrame
from tidings.edge.here import Tab
from tidings.edge.wire import Page

Online = Callable[[str, Iterable[str]], frozenset[str]]
"""Which of these users of a tenant are connected."""


class Circle:
    """The people of a tenant who stand in a relation, watched by any number of tabs; or a list of users, watched by one."""

    def __init__(self, tenant: str, relation: str | None, users: frozenset[str]) -> None:
        self.tenant = tenant
        self.relation = relation
        self.users = users
        self.watchers: dict[Tab, str | None] = {}
        self.stirred = False
        self.due = 0.0
        self._told: frozenset[str] = frozenset()
        self._behind: set[Tab] = set()

    def add(self, tab: Tab, user: str | None, online: Online) -> None:
        """One more watcher: the user who must stand in the relation, None for one who need not. It is told the whole."""
        if not self.watchers:
            self._told = online(self.tenant, self.users)
        self.watchers[tab] = user
        self._tell(tab, self._whole())

    def remove(self, tab: Tab) -> None:
        """One watcher less."""
        self.watchers.pop(tab, None)
        self._behind.discard(tab)

    def consist_of(self, users: frozenset[str]) -> list[Tab]:
        """These stand in the relation now; the watchers that do not any more."""
        self.stirred = self.stirred or users != self.users
        self.users = users
        return [
            tab for tab, user in self.watchers.items() if user is not None and user not in users
        ]

    def tell(self, online: Online) -> bool:
        """Tell all watchers what has changed since they were last told, if anything has."""
        now, before = online(self.tenant, self.users), self._told
        self._told, self.stirred = now, False
        behind, self._behind = self._behind, set()
        if behind:
            whole = self._whole()
            for tab in behind:
                self._tell(tab, whole)
        if now != before:
            change = self._page(now - before, before - now)
            for tab in self.watchers.keys() - behind:
                self._tell(tab, change)
        self.stirred = bool(self._behind)
        return bool(behind) or now != before

    def _tell(self, tab: Tab, page: Page) -> None:
        if not tab.tell(page):
            self._behind.add(tab)
            self.stirred = True

    def _whole(self) -> Page:
        return self._page(self._told, frozenset(), whole=True)

    def _page(
        self, online: frozenset[str], offline: frozenset[str], *, whole: bool = False
    ) -> Page:
        frame = PresenceFrame(
            online=tuple(sorted(online)),
            offline=tuple(sorted(offline)),
            relation=self.relation,
            whole=whole,
        )
        return Page("presence", encode(frame))
