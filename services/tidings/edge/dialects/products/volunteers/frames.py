"""The volunteer projects' dialect, at `/notifications/stream`: events whose ids are cursors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tidings.contracts.notifications import Notification
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame

ANNOUNCEMENT = "system_announcement"


class Volunteers(Dialect):
    """Sends a notification's id as `notification_id` too, as the product's own stream does."""

    name = "volunteers"

    def hello_frames(self, user: str, connection: str) -> Iterator[DialectFrame]:
        """Yield `connected`."""
        yield DialectFrame({"user_id": user, "connection_id": connection}, "connected")

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        """Yield `notification`, or `system_announcement` for an announcement."""
        name = ANNOUNCEMENT if notification.category == ANNOUNCEMENT else "notification"
        yield DialectFrame(
            {"notification_id": notification.id, **notification_fields(notification)},
            name,
            notification,
        )

    def heartbeat_frames(self) -> Iterator[DialectFrame]:
        """Yield `ping`."""
        yield DialectFrame({"timestamp": datetime.now(UTC)}, "ping")


def notification_fields(notification: Notification) -> dict[str, Any]:
    """Return the fields of a notification in events and lists."""
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
