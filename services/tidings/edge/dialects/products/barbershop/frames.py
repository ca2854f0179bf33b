"""The barbershop's dialect, at `/api/v1/ws`: notifications, and updates of locations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tidings.contracts.notifications import Notification
from tidings.edge.dialects.engine.dialect import (
    Dialect,
    DialectFrame,
    PingRequest,
    SubscribeRequest,
)
from tidings.edge.dialects.products.barbershop import words


class Barbershop(Dialect):
    """Sends an update of a location twice: as `team_update`, and as a notification of its id.

    The product's notification centre lists only notifications.
    """

    name = "barbershop"
    accepted_requests = (PingRequest, SubscribeRequest)

    def hello_frames(self, user: str, connection: str) -> Iterator[DialectFrame]:
        """Yield `connection`."""
        yield DialectFrame(
            {
                "type": "connection",
                "status": "connected",
                "message": "Connected to real-time notifications",
                "timestamp": datetime.now(UTC),
            }
        )

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        """Yield `notification`, and before it `team_update` if it is a location's update."""
        if words.words_of(notification).kind == "team_update":
            yield DialectFrame(
                {
                    "type": "team_update",
                    "update_type": words.update_type(notification),
                    "data": words.update_data(notification),
                    "timestamp": notification.created,
                },
                notification=notification,
            )
        yield DialectFrame(
            {
                "type": "notification",
                "notification_type": words.frame_kind(notification),
                "data": words.frame_data(notification),
                "timestamp": notification.created,
            },
            notification=notification,
        )

    def pong_frame(self) -> DialectFrame:
        """Return `pong`."""
        return DialectFrame({"type": "pong", "timestamp": datetime.now(UTC)})

    def error_frame(self, reason: str) -> DialectFrame:
        """Return `error`."""
        return DialectFrame(
            {"type": "error", "data": {"message": reason}, "timestamp": datetime.now(UTC)}
        )
