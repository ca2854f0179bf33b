"""The incidents' dialect, at `/api/v1/ws/notifications`: every frame is an event with its time, and the counts follow each change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tidings.contracts.notifications import Counts, Notification
from tidings.edge.dialects.dialect import Dialect, Said


class Incidents(Dialect):
    """What is archived is gone for its clients, who know no archive."""

    name = "incidents"

    def greeted(self, user: str, connection: str) -> Iterator[Said]:
        """`connection:established`."""
        yield _event(
            "connection:established",
            {
                "user_id": user,
                "timestamp": datetime.now(UTC),
                "message": "Connected to notifications",
            },
        )

    def notified(self, notification: Notification) -> Iterator[Said]:
        """`notification:new`."""
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

    def marked(self, state: str, identifier: str) -> Iterator[Said]:
        """`notification:read` or `notification:deleted`."""
        match state:
            case "read":
                yield _event("notification:read", {"id": identifier})
            case "deleted" | "archived":
                yield _event("notification:deleted", {"id": identifier})
            case _:
                pass

    def counted(self, counts: Counts) -> Iterator[Said]:
        """`stats:updated`."""
        yield _event(
            "stats:updated",
            {"total": counts.total, "unread": counts.unread, "read": counts.total - counts.unread},
        )

    def refused(self, reason: str) -> Said:
        """`error`, in the same envelope."""
        return _event("error", {"message": reason})


def _event(name: str, data: dict[str, Any], brings: Notification | None = None) -> Said:
    return Said({"event": name, "data": data, "timestamp": datetime.now(UTC)}, name, brings)
