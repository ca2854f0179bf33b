"""The incidents' words: types, priorities and fields of canonical notifications; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tidings.contracts.notifications import Counts, Notification

TYPES = {"incident.status_changed": "incident_updated"}
"""The types that are not the canonical ones with underscores for dots."""
PRIORITIES = {"normal": "medium"}
"""The priorities that are not the canonical ones."""
CHANNELS_SENT = ("in_app",)
"""The channels of every notification; Tidings delivers in the application only."""


def type_word(type_: str) -> str:
    """Return the word for a canonical type; free words stay as they are."""
    return TYPES.get(type_) or type_.replace(".", "_")


def priority_word(priority: str) -> str:
    """Return the word for a canonical priority: low, medium, high or critical."""
    return PRIORITIES.get(priority, priority)


def canonical_priority(word: str) -> str:
    """Return the canonical priority for a word, and any other word unchanged."""
    return next((name for name, given in PRIORITIES.items() if given == word), word)


def frame_fields(notification: Notification) -> dict[str, Any]:
    """Return the fields of a notification in frames."""
    return {
        "id": notification.id,
        "type": type_word(notification.type),
        "priority": priority_word(notification.priority),
        "title": notification.title,
        "message": notification.message,
        **_entity_fields(notification),
        "is_read": notification.read is not None,
        "created_at": notification.created,
    }


def item_fields(notification: Notification) -> dict[str, Any]:
    """Return the fields of a notification in lists and answers."""
    return {
        "id": notification.id,
        "user_id": notification.user,
        "notification_type": type_word(notification.type),
        "priority": priority_word(notification.priority),
        "title": notification.title,
        "message": notification.message,
        **_entity_fields(notification),
        "data": notification.data,
        "is_read": notification.read is not None,
        "read_at": notification.read,
        "is_archived": notification.archived is not None,
        "channels_sent": CHANNELS_SENT,
        "created_at": notification.created,
        "expires_at": notification.expires,
    }


def stats_fields(counts: Counts, totals: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """Return the statistics of a list, from its totals by canonical type and priority.

    The totals by type, and those by priority, add up to `total`.
    """
    by_type, by_priority = Counter[str](), Counter[str]()
    for (type_, priority), number in totals.items():
        by_type[type_word(type_)] += number
        by_priority[priority_word(priority)] += number
    return {
        "total": counts.total,
        "unread": counts.unread,
        "read": counts.total - counts.unread,
        "by_type": by_type,
        "by_priority": by_priority,
    }


def _entity_fields(notification: Notification) -> dict[str, str | None]:
    entity = notification.entity
    if entity is None:
        return {"entity_type": None, "entity_id": None, "entity_url": None}
    page = f"/incidents/{quote(entity.id, safe='')}" if entity.type == "incident" else None
    return {"entity_type": entity.type, "entity_id": entity.id, "entity_url": entity.url or page}
