"""The chat's dialect, at `/ws/notifications`: its clients mark by `notification_id`, and ask for the count."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.notifications import Counts, Notification
from tidings.edge.dialects.dialect import CountUnread, Dialect, MarkRead, Ping, Said


class Chat(Dialect):
    """A notification that was read elsewhere is brought, then updated."""

    name = "chat"
    asks = (Ping, CountUnread, MarkRead)

    def notified(self, notification: Notification) -> Iterator[Said]:
        """`notification`."""
        data = {
            "notification_id": notification.id,
            "title": notification.title,
            "message": notification.message,
            "notification_type": notification.type,
            "timestamp": notification.created,
            "room_id": notification.references.get("room"),
            "sender_id": notification.actor,
        }
        yield Said({"type": "notification", "data": data}, brings=notification)
        if notification.read:
            yield from self.marked("read", notification.id)

    def marked(self, state: str, identifier: str) -> Iterator[Said]:
        """`notification_update`, on every device."""
        yield Said(
            {
                "type": "notification_update",
                "data": {"notification_id": identifier, "status": state},
            }
        )

    def unread(self, counts: Counts) -> Iterator[Said]:
        """`unread_count`."""
        yield Said({"type": "unread_count", "data": {"count": counts.unread}})
