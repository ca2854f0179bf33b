"""A watched group: users whose presence is watched, and what its watchers were last sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tidings.contracts.frames import Presence as PresenceFrame
from tidings.edge.delivery.frames import EncodedFrame, encode_frame
from tidings.edge.presence.local import LocalConnection

FindOnline = Callable[[str, Iterable[str]], frozenset[str]]
"""Return which of these users of a tenant are connected."""


class WatchedGroup:
    """The members of a relation with all their watchers, or the user list of one watcher."""

    def __init__(self, tenant: str, relation: str | None, users: frozenset[str]) -> None:
        self.tenant = tenant
        self.relation = relation
        self.users = users
        self.watchers: dict[LocalConnection, str | None] = {}
        self.changed = False
        self.report_due = 0.0
        self._reported: frozenset[str] = frozenset()
        self._lagging: set[LocalConnection] = set()

    def add_watcher(
        self, connection: LocalConnection, user: str | None, find_online: FindOnline
    ) -> None:
        """Add a watcher and send it who is online.

        `user` must stay a member of the relation; None for a watcher who need not be one.
        """
        if not self.watchers:
            self._reported = find_online(self.tenant, self.users)
        self.watchers[connection] = user
        self._send(connection, self._snapshot())

    def remove_watcher(self, connection: LocalConnection) -> None:
        """Remove a watcher."""
        self.watchers.pop(connection, None)
        self._lagging.discard(connection)

    def replace_users(self, users: frozenset[str]) -> list[LocalConnection]:
        """Set the members of the relation; return the watchers who are no longer among them."""
        self.changed = self.changed or users != self.users
        self.users = users
        return [
            connection
            for connection, user in self.watchers.items()
            if user is not None and user not in users
        ]

    def report_changes(self, find_online: FindOnline) -> bool:
        """Send all watchers what changed since the last report; return whether anything did.

        A watcher that could not take the last frame gets the whole state, not a change that builds
        on what it missed.
        """
        now, before = find_online(self.tenant, self.users), self._reported
        self._reported, self.changed = now, False
        lagging, self._lagging = self._lagging, set()
        if lagging:
            snapshot = self._snapshot()
            for connection in lagging:
                self._send(connection, snapshot)
        if now != before:
            change = self._frame(now - before, before - now)
            for connection in self.watchers.keys() - lagging:
                self._send(connection, change)
        self.changed = bool(self._lagging)
        return bool(lagging) or now != before

    def _send(self, connection: LocalConnection, frame: EncodedFrame) -> None:
        if not connection.send_droppable(frame):
            self._lagging.add(connection)
            self.changed = True

    def _snapshot(self) -> EncodedFrame:
        return self._frame(self._reported, frozenset(), whole=True)

    def _frame(
        self, online: frozenset[str], offline: frozenset[str], *, whole: bool = False
    ) -> EncodedFrame:
        frame = PresenceFrame(
            online=tuple(sorted(online)),
            offline=tuple(sorted(offline)),
            relation=self.relation,
            whole=whole,
        )
        return encode_frame(frame)
