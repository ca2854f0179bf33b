"""The incidents' dialect, at `/api/v1/ws/notifications`: frames are events with a timestamp.

The counts follow each change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tidings.contracts.notifications import Counts, Notification
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame


class Incidents(Dialect):
    """Reports archived notifications as deleted, because its clients have no archive."""

    name = "incidents"

    def hello_frames(self, user: str, connection: str) -> Iterator[DialectFrame]:
        """Yield `connection:established`."""
        yield _event(
            "connection:established",
            {
                "user_id": user,
                "timestamp": datetime.now(UTC),
                "message": "Connected to notifications",
            },
        )

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        """Yield `notification:new`."""
        entity = notification.entity
        data = {
            "id": notification.id,
            "type": notification.type,
            "priority": notification.priority,
            "title": notification.title,
            "message": notification.message,
            "entity_type": entity and entity.type,
            "entity_id": entity and entity.id,
            "entity_url": entity and entity.url,
            "is_read": notification.read is not None,
            "created_at": notification.created,
        }
        yield _event("notification:new", data, notification)

    def mark_frames(self, state: str, identifier: str) -> Iterator[DialectFrame]:
        """Yield `notification:read` or `notification:deleted`."""
        match state:
            case "read":
                yield _event("notification:read", {"id": identifier})
            case "deleted" | "archived":
                yield _event("notification:deleted", {"id": identifier})
            case _:
                pass

    def count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        """Yield `stats:updated`."""
        yield _event(
            "stats:updated",
            {"total": counts.total, "unread": counts.unread, "read": counts.total - counts.unread},
        )

    def error_frame(self, reason: str) -> DialectFrame:
        """Return `error` in the envelope of events."""
        return _event("error", {"message": reason})


def _event(
    name: str, data: dict[str, Any], notification: Notification | None = None
) -> DialectFrame:
    return DialectFrame(
        {"event": name, "data": data, "timestamp": datetime.now(UTC)}, name, notification
    )
