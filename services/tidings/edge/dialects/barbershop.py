"""The barbershop's dialect, at `/api/v1/ws`: notifications, of the types subscribed to if any; and its lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.notifications import Notification
from tidings.edge.dialects.dialect import Dialect, Ping, Said, Subscribe


class Barbershop(Dialect):
    """What is sent to one barber, to a location or to all arrives alike."""

    name = "barbershop"
    asks = (Ping, Subscribe)

    def notified(self, notification: Notification) -> Iterator[Said]:
        """`notification`."""
        yield Said({"type": "notification", "data": shown(notification)}, brings=notification)


def shown(notification: Notification) -> dict[str, Any]:
    """A notification in frames and lists."""
    return {
        "id": notification.id,
        "user_id": notification.user,
        "type": notification.type,
        "category": notification.category,
        "priority": notification.priority,
        "title": notification.title,
        "message": notification.message,
        "data": notification.data,
        "is_read": notification.read is not None,
        "read_at": notification.read,
        "created_at": notification.created,
    }


def about(notification: Notification) -> frozenset[str]:
    """What a client may subscribe to in order to be brought this one: `appointment.booked`, also spelled with `_`, or its category."""
    return frozenset(
        {notification.type, notification.type.replace(".", "_"), notification.category}
    )
