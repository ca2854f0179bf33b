"""The volunteer projects' dialect, under `/notifications`: an event stream, whose ids are cursors, and lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tidings.contracts.notifications import Notification
from tidings.edge.dialects.dialect import Dialect, Said

ANNOUNCEMENT = "system_announcement"


class Volunteers(Dialect):
    """Its stream calls an id `notification_id` and its lists `id`: both say both."""

    name = "volunteers"

    def greeted(self, user: str, connection: str) -> Iterator[Said]:
        """`connected`."""
        yield Said({"user_id": user, "connection_id": connection}, "connected")

    def notified(self, notification: Notification) -> Iterator[Said]:
        """`notification`, or `system_announcement` for an announcement."""
        name = ANNOUNCEMENT if notification.category == ANNOUNCEMENT else "notification"
        yield Said({"notification_id": notification.id, **shown(notification)}, name, notification)

    def beat(self) -> Iterator[Said]:
        """`ping`."""
        yield Said({"timestamp": datetime.now(UTC)}, "ping")


def shown(notification: Notification) -> dict[str, Any]:
    """A notification in events and lists."""
    return {
        "id": notification.id,
        "user_id": notification.user,
        "title": notification.title,
        "message": notification.message,
        "type": notification.type,
        "related_project_id": notification.references.get("project"),
        "related_task_id": notification.references.get("task"),
        "is_read": notification.read is not None,
        "created_at": notification.created,
    }
