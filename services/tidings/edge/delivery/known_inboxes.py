"""Known inboxes: the states that take no query, so that a crowd that returns asks Postgres less."""

from __future__ import annotations

from collections.abc import Callable

from tidings.contracts.subjects import Person
from tidings.edge.delivery.ring import Ring
from tidings.edge.delivery.tenants_with_topics import TenantsWithTopics
from tidings.projections.inbox.inbox_state import InboxState

KEPT_NOTIFICATIONS_LIMIT = 50_000
"""About 20 MiB; beyond it, the states of those who left first are dropped."""


class KnownInboxes:
    """States of inboxes that are complete together with the ring's entries after them.

    They are known of users who left this edge, until the ring has dropped an entry since; and, if
    the ring has the whole log, of all those whose own log lost no entry and whose tenant has no
    topics. A log with `entries_limit` entries may have lost the first ones.
    """

    def __init__(
        self,
        ring: Ring,
        tenants_with_topics: TenantsWithTopics,
        empty_state: Callable[[], InboxState],
        entries_limit: int,
        *,
        kept_limit: int = KEPT_NOTIFICATIONS_LIMIT,
    ) -> None:
        self._ring = ring
        self._tenants_with_topics = tenants_with_topics
        self._empty_state = empty_state
        self._entries_limit = entries_limit
        self._kept_limit = kept_limit
        self._kept: dict[str, InboxState] = {}
        self.kept_notifications = 0

    def keep_inbox(self, subject: str, state: InboxState) -> None:
        """Keep the state of a user who has left; it has all entries up to the ring's head."""
        self._take_kept(subject)
        state.sequence = max(state.sequence, self._ring.head)
        self._kept[subject] = state
        self.kept_notifications += _size_of(state)
        while self.kept_notifications > self._kept_limit:
            self._take_kept(next(iter(self._kept)))

    def take_inbox(self, person: Person, subject: str) -> InboxState | None:
        """Return a state whose later entries are all in the ring, None if none is known.

        The caller owns it; it is kept no longer.
        """
        state = self._take_kept(subject)
        if state and state.sequence >= self._ring.floor:
            return state
        return self._empty_state() if self._is_whole_in_ring(person, subject) else None

    def _take_kept(self, subject: str) -> InboxState | None:
        state = self._kept.pop(subject, None)
        if state:
            self.kept_notifications -= _size_of(state)
        return state

    def _is_whole_in_ring(self, person: Person, subject: str) -> bool:
        return (
            self._ring.is_whole
            and self._ring.entry_count(subject) < self._entries_limit
            and not self._tenants_with_topics.may_have_topics(person.tenant)
        )


def _size_of(state: InboxState) -> int:
    """Return the notifications that a state counts for; an empty one takes memory too.

    Nothing changes a membership while a state is kept.
    """
    return 1 + state.notification_count + state.memberships.interval_count
