"""A subscriber: what a user's stream asks of each connection of the user."""

from __future__ import annotations

from typing import Protocol

from tidings.contracts.cursor import Cursor
from tidings.edge.delivery.frames import EncodedFrame


class Subscriber(Protocol):
    """A connection, as its user's stream sees it."""

    @property
    def sent_cursor(self) -> Cursor:
        """The cursor up to which everything has been sent."""
        ...

    @property
    def dialect(self) -> str | None:
        """The name of the dialect that the client speaks, None for the canonical protocol."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether it has reached the head."""
        ...

    @property
    def takes_counts_delta(self) -> bool:
        """Whether it has the counts at its cursor, and its client adds a difference to them."""
        ...

    def try_deliver(self, frame: EncodedFrame, after: Cursor) -> bool:
        """Send a frame if the connection is at `after`; return whether it was."""
        ...

    def resume(self) -> None:
        """Read on from the log, unless it does already."""
        ...

    def send_heartbeat(self, log_unreachable: bool) -> None:
        """Send a heartbeat."""
        ...

    def ask_to_move(self, after_seconds: float) -> None:
        """Ask the client to reconnect after a while."""
        ...

    def end_if_revoked(self) -> None:
        """End the connection if its session has been revoked."""
        ...
