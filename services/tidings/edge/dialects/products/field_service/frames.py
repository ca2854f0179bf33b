"""The field service's dialect, at `/ws`: one frame, with the unread count and any notification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.notifications import Counts, Notification
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame
from tidings.edge.dialects.products.field_service.words import notification_fields


class FieldService(Dialect):
    """Sends each notification with the unread count, and the count alone after every change."""

    name = "field_service"

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        """Yield the update with a notification."""
        yield _update({"notification": notification_fields(notification)}, notification)

    def with_counts(self, frame: DialectFrame, counts: Counts) -> DialectFrame:
        """Return the update with a notification and the unread count."""
        return _update({**frame.body["data"], "unread_count": counts.unread}, frame.notification)

    def count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        """Yield the update with the unread count."""
        yield _update({"unread_count": counts.unread})


def _update(data: dict[str, Any], notification: Notification | None = None) -> DialectFrame:
    return DialectFrame(
        {"type": "dashboard.notification.update", "data": data}, notification=notification
    )
