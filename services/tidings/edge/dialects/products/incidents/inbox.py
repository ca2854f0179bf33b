"""A user's inbox as the incidents list it: filtered pages with exact totals, and statistics."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from tidings.contracts.codec import decode_notification
from tidings.contracts.frames import MarkOperation
from tidings.contracts.http_bodies.results import Listing
from tidings.contracts.notifications import MARK_LIMIT_IDS, Notification
from tidings.contracts.subjects import Person
from tidings.edge.delivery.inbox_queries import ListFilter
from tidings.edge.delivery.log_reader import LogReader
from tidings.edge.delivery.marks import Marks
from tidings.edge.dialects.engine.lists import DialectLists
from tidings.edge.dialects.products.incidents.frames import stats_of
from tidings.edge.dialects.products.incidents.words import priority_word, type_word
from tidings.projections.inbox.inbox_state import InboxState, NotificationState
from tidings.runtime.http.problem import Problem

_decode_listing = msgspec.json.Decoder(Listing).decode


class ItemFilter(NamedTuple):
    """Which notifications to list; `type` and `priority` are the product's words, None: any."""

    unread_only: bool = False
    include_archived: bool = False
    type: str | None = None
    priority: str | None = None

    def selects(self, state: NotificationState, now: float) -> bool:
        """Return whether a visible notification is in the list at a time."""
        return (
            not (self.unread_only and state.read)
            and (state.archived is None or self.include_archived)
            and not (state.archived is None and state.wakes_at(now))
            and self.type in (None, type_word(state.facets.type))
            and self.priority in (None, priority_word(state.facets.priority))
        )


class ItemPage(NamedTuple):
    """A part of a list, newest first, and the total of the whole list."""

    notifications: tuple[Notification, ...]
    total: int


class IncidentInbox:
    """Reads and marks the inboxes of users.

    An inbox has at most TIDINGS_NOTIFICATIONS_PER_USER notifications; their states select a page,
    and one query reads the notifications of that page.
    """

    def __init__(self, log: LogReader, marks: Marks) -> None:
        self._log = log
        self._marks = marks
        self.lists = DialectLists(log, marks)

    async def read_page(
        self, person: Person, item_filter: ItemFilter, *, limit: int, offset: int
    ) -> ItemPage:
        """Return up to `limit` notifications after the newest `offset`; raises Unavailable."""
        inbox, now = await self._log.read_inbox(person), time.time()
        selected = [
            state.id for state in inbox.visible_states(now) if item_filter.selects(state, now)
        ]
        selected.reverse()
        ids = selected[offset : offset + limit]
        if not ids:
            return ItemPage((), len(selected))
        list_filter = ListFilter(None, len(ids), {"ids": ids})
        page = _decode_listing(await self._log.read_list(person, list_filter))
        return ItemPage(page.notifications, len(selected))

    async def read_stats(self, person: Person) -> dict[str, Any]:
        """Return the statistics of a user's inbox; raises Unavailable."""
        inbox = await self._log.read_inbox(person)
        return stats_of(inbox.counts(time.time()), inbox)

    async def read_notification(self, person: Person, identifier: str) -> Notification:
        """Return one of a user's notifications; raises Problem without it, or Unavailable."""
        body = await self._log.read_notification(person, identifier)
        if body is None:
            raise Problem(404, "not found", "Notification not found")
        return decode_notification(body)

    async def mark_read(self, person: Person, identifiers: Iterable[str]) -> int:
        """Mark the unread ones of these as read and return their number; raises Unavailable.

        Ids that the user does not have are ignored.
        """
        inbox, at = await self._log.read_inbox(person), datetime.now(UTC)
        unread = [*_unread_ids(inbox, identifiers, at.timestamp())]
        for first in range(0, len(unread), MARK_LIMIT_IDS):
            ids = tuple(unread[first : first + MARK_LIMIT_IDS])
            operation = MarkOperation(op=uuid4().hex, state="read", ids=ids)
            await self._marks.append_mark(person, operation, at)
        return len(unread)

    async def archive(self, person: Person, identifier: str) -> Notification:
        """Archive one of a user's notifications and return it.

        Raises Problem without it, or Unavailable.
        """
        notification = await self.lists.mark_notification(person, identifier, "archived")
        at = notification.archived or datetime.now(UTC)
        return msgspec.structs.replace(notification, archived=at)


def _unread_ids(inbox: InboxState, identifiers: Iterable[str], now: float) -> Iterator[str]:
    for identifier in dict.fromkeys(identifiers):
        state = inbox.visible_state(identifier, now)
        if state and state.read is None:
            yield identifier
