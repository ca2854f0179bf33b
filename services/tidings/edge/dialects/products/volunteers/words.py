"""The volunteer projects' words: a notification's fields and the name of its event; pure."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw
from tidings.contracts.notifications import Notification

NOTIFICATION = "notification"
ANNOUNCEMENT = "system_announcement"


_decode_data = msgspec.json.Decoder(dict[str, Raw]).decode


def event_name(notification: Notification) -> str:
    """Return the name of a notification's event: `system_announcement` for one to everyone."""
    if notification.category != ANNOUNCEMENT:
        return NOTIFICATION
    everyone = _decode_data(notification.data).get("everyone", Raw(b"false"))
    return ANNOUNCEMENT if bytes(everyone) == b"true" else NOTIFICATION


def notification_fields(notification: Notification) -> dict[str, Any]:
    """Return the fields of a notification in events and lists; its type is its level."""
    return {
        "id": notification.id,
        "user_id": notification.user,
        "title": notification.title,
        "message": notification.message,
        "type": notification.level,
        "related_project_id": notification.references.get("project"),
        "related_task_id": notification.references.get("task"),
        "is_read": notification.read is not None,
        "read_at": notification.read,
        "created_at": notification.created,
    }
