"""The field service's dialect, at `/ws`: one frame for the dashboard, with a notification or the user's own unread count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Raw
from tidings.contracts.notifications import Counts, Notification, Priority
from tidings.edge.dialects.dialect import Dialect, Said

PRIORITIES: dict[Priority, int] = {"low": 1, "normal": 1, "high": 2, "critical": 3}


class FieldService(Dialect):
    """Priorities are numbers; the type is the rule's own word, such as STATUS_UPDATE."""

    name = "field_service"

    def notified(self, notification: Notification) -> Iterator[Said]:
        """A new notification."""
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

    def counted(self, counts: Counts) -> Iterator[Said]:
        """The badge."""
        yield _update({"unread_count": counts.unread})


def _update(data: dict[str, Any], brings: Notification | None = None) -> Said:
    return Said({"type": "dashboard.notification.update", "data": data}, brings=brings)
