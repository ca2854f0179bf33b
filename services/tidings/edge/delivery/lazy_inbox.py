"""A lazy inbox: a user's inbox whose new notifications are applied when it is next read."""

from __future__ import annotations

from tidings.edge.delivery.routed_entry import RoutedEntry
from tidings.projections.inbox.inbox_state import NEVER, InboxState, NewNotification

PENDING_LIMIT_ENTRIES = 32


class LazyInbox:
    """The state of an inbox, and new notifications that it does not have yet, by id.

    A topic's notification changes the counts of all its readers alike. So the readers get the
    difference, and each one's own state is brought up to date when something asks for it.
    """

    __slots__ = ("_pending", "_state")

    def __init__(self, state: InboxState) -> None:
        self._state = state
        self._pending: dict[str, NewNotification] | None = None

    @property
    def state(self) -> InboxState:
        """Return the state with all entries."""
        if self._pending:
            self._apply_pending()
        return self._state

    def defer(self, entries: list[RoutedEntry], now: float) -> float | None:
        """Keep entries for later, if each one adds a visible notification and changes no other.

        Return when the first of them vanishes, in seconds since 1970. Return None if that cannot
        be told without the state, to which the caller then applies all of them: it ignores those
        that it has.
        """
        pending, state = self._pending, self._state
        if pending is None or len(pending) + len(entries) > PENDING_LIMIT_ENTRIES:
            self._apply_pending()
            pending = self._pending = {}
        earliest = NEVER
        for routed in entries:
            new = routed.new_notification(state)
            if (
                new is None
                or new.vanishes_at <= now
                or new.id in pending
                or not state.only_adds(new, len(pending))
            ):
                return None
            pending[new.id] = new
            if new.vanishes_at < earliest:
                earliest = new.vanishes_at
        return earliest

    def _apply_pending(self) -> None:
        if self._pending:
            self._state.add_new(self._pending.values())
        self._pending = None
