"""The volunteer projects' dialect, at `/notifications/stream`: events whose ids are cursors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tidings.contracts.notifications import Notification
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame
from tidings.edge.dialects.products.volunteers.words import event_name, notification_fields


class Volunteers(Dialect):
    """Sends a notification's id as `notification_id` too, as the product's own stream does."""

    name = "volunteers"

    def hello_frames(self, user: str, connection: str) -> Iterator[DialectFrame]:
        """Yield `connected`."""
        yield DialectFrame({"user_id": user, "connection_id": connection}, "connected")

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        """Yield `notification`, or `system_announcement` for an announcement to everyone."""
        yield DialectFrame(
            {"notification_id": notification.id, **notification_fields(notification)},
            event_name(notification),
            notification,
        )

    def heartbeat_frames(self) -> Iterator[DialectFrame]:
        """Yield `ping`."""
        yield DialectFrame({"timestamp": datetime.now(UTC)}, "ping")
