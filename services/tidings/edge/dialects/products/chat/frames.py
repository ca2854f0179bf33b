"""The chat's dialect, at `/ws/notifications`: clients mark as read and ask for the unread count."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.notifications import Counts, Notification
from tidings.edge.dialects.engine.dialect import (
    CountRequest,
    Dialect,
    DialectFrame,
    MarkReadRequest,
    PingRequest,
)
from tidings.edge.dialects.products.chat.words import STATUSES, notification_fields


class Chat(Dialect):
    """Sends the unread count after every change, and when a client requests it."""

    name = "chat"
    accepted_requests = (PingRequest, CountRequest, MarkReadRequest)

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        """Yield `notification`."""
        data = notification_fields(notification)
        yield DialectFrame({"type": "notification", "data": data}, notification=notification)

    def mark_frames(self, state: str, identifier: str) -> Iterator[DialectFrame]:
        """Yield `notification_update`."""
        data = {"notification_id": identifier, "status": STATUSES[state]}
        yield DialectFrame({"type": "notification_update", "data": data})

    def count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        """Yield `unread_count`."""
        yield from self.unread_count_frames(counts)

    def unread_count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        """Yield `unread_count`."""
        yield DialectFrame({"type": "unread_count", "data": {"count": counts.unread}})
