"""The incidents' dialect, at `/api/v1/ws/notifications`: frames are events with a timestamp.

The statistics follow each change.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tidings.contracts.close_codes import CloseCode
from tidings.contracts.notifications import Counts, Notification
from tidings.edge.dialects.engine.dialect import Dialect, DialectFrame
from tidings.edge.dialects.products.incidents.words import frame_fields, stats_fields
from tidings.projections.inbox.inbox_state import InboxState


class Incidents(Dialect):
    """Reports archived notifications as deleted, because its frames have no word for them."""

    name = "incidents"
    documented_close_codes = frozenset(
        (CloseCode.NO_TOKEN, CloseCode.TOKEN_OVER, CloseCode.MISSING_CLAIMS)
    )

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
        yield _event("notification:new", frame_fields(notification), notification)

    def mark_frames(self, state: str, identifier: str) -> Iterator[DialectFrame]:
        """Yield `notification:read` or `notification:deleted`."""
        match state:
            case "read":
                yield _event("notification:read", {"id": identifier})
            case "deleted" | "archived":
                yield _event("notification:deleted", {"id": identifier})
            case _:
                pass

    def state_frames(self, counts: Counts, inbox: InboxState) -> Iterator[DialectFrame]:
        """Yield `stats:updated`."""
        yield _event("stats:updated", stats_of(counts, inbox))

    def error_frame(self, reason: str) -> DialectFrame:
        """Return `error` in the envelope of events."""
        return _event("error", {"message": reason})


def stats_of(counts: Counts, inbox: InboxState) -> dict[str, Any]:
    """Return the statistics of an inbox at the counts' time."""
    return stats_fields(counts, inbox.totals_by_type_and_priority(time.time()))


def _event(
    name: str, data: dict[str, Any], notification: Notification | None = None
) -> DialectFrame:
    return DialectFrame(
        {"event": name, "data": data, "timestamp": datetime.now(UTC)}, name, notification
    )
