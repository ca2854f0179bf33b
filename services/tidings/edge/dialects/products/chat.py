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


class Chat(Dialect):
    """Sends a notification that was read elsewhere, and then its update.

    The product's notification frame has no field for the state.
    """

    name = "chat"
    accepted_requests = (PingRequest, CountRequest, MarkReadRequest)

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        """Yield `notification`, and `notification_update` if it was read already."""
        data = {
            "notification_id": notification.id,
            "title": notification.title,
            "message": notification.message,
            "notification_type": notification.type,
            "timestamp": notification.created,
            "room_id": notification.references.get("room"),
            "sender_id": notification.actor,
        }
        yield DialectFrame({"type": "notification", "data": data}, notification=notification)
        if notification.read:
            yield from self.mark_frames("read", notification.id)

    def mark_frames(self, state: str, identifier: str) -> Iterator[DialectFrame]:
        """Yield `notification_update`."""
        yield DialectFrame(
            {
                "type": "notification_update",
                "data": {"notification_id": identifier, "status": state},
            }
        )

    def unread_count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        """Yield `unread_count`."""
        yield DialectFrame({"type": "unread_count", "data": {"count": counts.unread}})
