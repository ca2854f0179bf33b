"""The barbershop's dialect, at `/api/v1/ws`: notifications, filtered by subscriptions if any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidings.contracts.notifications import Notification
from tidings.edge.dialects.engine.dialect import (
    Dialect,
    DialectFrame,
    PingRequest,
    SubscribeRequest,
)


class Barbershop(Dialect):
    """Sends notifications to a barber, to a location and to all users in the same frame."""

    name = "barbershop"
    accepted_requests = (PingRequest, SubscribeRequest)

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        """Yield `notification`."""
        yield DialectFrame(
            {"type": "notification", "data": notification_fields(notification)},
            notification=notification,
        )

    def subscription_names(self, notification: Notification) -> frozenset[str]:
        """Return its type as `appointment.booked` and as `appointment_booked`, and its category."""
        return frozenset(
            {notification.type, notification.type.replace(".", "_"), notification.category}
        )


def notification_fields(notification: Notification) -> dict[str, Any]:
    """Return the fields of a notification in frames and lists."""
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
