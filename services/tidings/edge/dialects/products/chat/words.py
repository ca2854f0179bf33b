"""The chat's words: a notification's type and fields, and the status of a mark; pure."""

from __future__ import annotations

from typing import Any

from tidings.contracts.notifications import Notification

NEW_MESSAGE = "new_message"

STATUSES = {
    "read": "read",
    "unread": "delivered",
    "archived": "deleted",
    "deleted": "deleted",
}
"""The status of a notification after a mark; the product has no archive."""


def type_of(notification: Notification) -> str:
    """Return the free word of a notification written by hand, else `new_message`.

    `new_message` is the only type that the product documents. Types of events have a dot in them.
    """
    return NEW_MESSAGE if "." in notification.type else notification.type


def notification_fields(notification: Notification) -> dict[str, Any]:
    """Return the fields of the product's notification; times have seconds, as in its document."""
    return {
        "notification_id": notification.id,
        "title": notification.title,
        "message": notification.message,
        "notification_type": type_of(notification),
        "timestamp": notification.created.replace(microsecond=0),
        "room_id": notification.references.get("room"),
        "sender_id": notification.actor,
    }
