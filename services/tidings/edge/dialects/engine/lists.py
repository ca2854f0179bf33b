"""The lists of dialects: pages by offset and limit, as the products' own servers have them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

import msgspec
from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import MarkOperation
from tidings.contracts.http_bodies.results import Listing
from tidings.contracts.notifications import Counts, MarkableState, Notification
from tidings.contracts.subjects import Person
from tidings.edge.delivery.inbox_queries import ListFilter
from tidings.edge.delivery.log_reader import LogReader
from tidings.edge.delivery.marks import Marks
from tidings.runtime.http.problem import Problem

_listing = msgspec.json.Decoder(Listing).decode
_notification = msgspec.json.Decoder(Notification).decode


class ListSlice(NamedTuple):
    """A part of a list, newest first, with the total of the whole list and the counts."""

    notifications: tuple[Notification, ...]
    total: int
    counts: Counts


class DialectLists:
    """Reads and marks the lists of users."""

    def __init__(self, log: LogReader, marks: Marks) -> None:
        self._log = log
        self._marks = marks

    async def read_slice(
        self, person: Person, *, unread: bool, limit: int, offset: int
    ) -> ListSlice:
        """Return up to `limit` notifications after the newest `offset`; raises Unavailable."""
        inbox, now = await self._log.read_inbox(person), time.time()
        listed = [
            state for state in reversed(inbox.listed_states(now)) if not (unread and state.read)
        ]
        if offset >= len(listed):
            return ListSlice((), len(listed), inbox.counts(now))
        predicates = {"before": listed[offset - 1].sequence} if offset else {}
        page = _listing(
            await self._log.read_list(
                person, ListFilter("unread" if unread else "all", limit, predicates)
            )
        )
        return ListSlice(page.notifications, len(listed), inbox.counts(now))

    async def read_counts(self, person: Person) -> Counts:
        """Return the counts; raises Unavailable."""
        return (await self._log.read_inbox(person)).counts(time.time())

    async def read_notification(self, person: Person, identifier: str) -> Notification:
        """Return one of a user's notifications.

        Raises Problem if the user has no such notification, or Unavailable.
        """
        body = await self._log.read_notification(person, identifier)
        if body is None:
            raise Problem(404, "not found", "Notification not found")
        return _notification(body)

    async def mark_notification(
        self, person: Person, identifier: str, state: MarkableState
    ) -> Notification:
        """Mark one of a user's notifications, unless it was read already, and return it.

        Raises Problem if the user has no such notification, or Unavailable.
        """
        notification = await self.read_notification(person, identifier)
        now = datetime.now(UTC)
        if state == "read" and notification.read:
            return notification
        await self._marks.append_mark(
            person, MarkOperation(op=uuid4().hex, state=state, ids=(identifier,)), now
        )
        return msgspec.structs.replace(notification, read=now) if state == "read" else notification

    async def mark_all(self, person: Person, state: MarkableState) -> int:
        """Mark all listed notifications and return how many changed; raises Unavailable."""
        inbox, now = await self._log.read_inbox(person), time.time()
        listed = inbox.listed_states(now)
        touched = sum(item.read is None for item in listed) if state == "read" else len(listed)
        if touched:
            up_to = str(Cursor(self._log.epoch, inbox.newest))
            await self._marks.append_mark(
                person, MarkOperation(op=uuid4().hex, state=state, up_to=up_to), datetime.now(UTC)
            )
        return touched
