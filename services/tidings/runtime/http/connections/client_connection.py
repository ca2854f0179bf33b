"""A connection, as the application finds it in its scope; this module loads no web framework."""

from __future__ import annotations

from typing import Any, Protocol

CONNECTION = "tidings.connection"
"""Key in the `extensions` of a scope: the request's `ClientConnection`."""


class ClientConnection(Protocol):
    """A connection, as applications see it."""

    unread_seconds: float
    """Time that the peer has to read; then the connection is reset."""

    def set_authenticated(self) -> None:
        """Count the connection as that of a known client."""
        ...

    def write_prepared(self, data: bytes) -> bool:
        """Write whole frames or chunks, encoded as the protocol has them, and return True.

        Return False, and write nothing, where `send` of the application would wait or fail.
        """
        ...

    def gather_writes(self, turns: int) -> None:
        """Join what is written in this turn of the event loop and the next ones into one write."""
        ...

    def abort(self, reason: str) -> None:
        """Reset the connection, for a reason that is counted."""
        ...

    def seconds_without_ack(self) -> float:
        """Return how long the peer has left sent bytes unacknowledged.

        0 if all are acknowledged.
        """
        ...


def connection_of(scope: Any) -> ClientConnection | None:
    """Return the connection of a scope, None if another server made the scope."""
    return scope.get("extensions", {}).get(CONNECTION)
