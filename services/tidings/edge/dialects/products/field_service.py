"""The field service's dialect, at `/ws`: a frame with a notification or the unread count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Raw
from tidings.contracts.notifications import Counts, Notification, Priority
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame

PRIORITIES: dict[Priority, int] = {"low": 1, "normal": 1, "high": 2, "critical": 3}


class FieldService(Dialect):
    """Sends priorities as numbers, and the category as type, such as STATUS_UPDATE."""

    name = "field_service"

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        """Yield the update with a notification."""
        data: dict[str, str | int | bool | Raw | Any] = {
            "id": notification.id,
            "type": notification.category,
            "title": notification.title,
            "message": notification.message,
            "priority": PRIORITIES[notification.priority],
            "work_order_id": notification.references.get("work_order"),
            "data": notification.data,
            "is_read": notification.read is not None,
            "created_at": notification.created,
        }
        yield _update({"notification": data}, notification)

    def count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        """Yield the update with the unread count."""
        yield _update({"unread_count": counts.unread})


def _update(data: dict[str, Any], notification: Notification | None = None) -> DialectFrame:
    return DialectFrame(
        {"type": "dashboard.notification.update", "data": data}, notification=notification
    )
