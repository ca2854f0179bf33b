"""The peer of a connection: what the edge tells the server about it, and asks of it."""

from __future__ import annotations

from typing import Any

from tidings.runtime.http.connections.client_connection import connection_of
from tidings.runtime.http.connections.strangers import STRANGER_REQUEST, StrangerRequest
from tidings.runtime.settings import Settings

CLOSE_TIMEOUT_SECONDS = 10.0
"""Time in which a client that did not read may read on, to learn why it is disconnected."""


class PeerControl:
    """The other end of one connection; without one of the server, nothing has an effect."""

    __slots__ = ("_connection", "_stranger", "_unread_seconds")

    def __init__(self, scope: Any, settings: Settings) -> None:
        self._connection = connection_of(scope)
        self._stranger: StrangerRequest | None = scope.get("state", {}).get(STRANGER_REQUEST)
        self._unread_seconds = settings.send_timeout_seconds + CLOSE_TIMEOUT_SECONDS

    def set_authenticated(self) -> None:
        """Count the connection as that of a known client, which may take longer to read.

        The edge itself closes it with a code when a frame takes longer than the setting says.
        """
        if self._stranger:
            self._stranger.set_known()
        if self._connection:
            self._connection.unread_seconds = self._unread_seconds
            self._connection.set_authenticated()

    def write_prepared(self, data: bytes) -> bool:
        """Write whole frames or chunks at once; return False if that is not possible now."""
        return self._connection is not None and self._connection.write_prepared(data)

    def gather_writes(self, turns: int = 0) -> None:
        """Join what is written in this turn of the event loop and the next ones into one write."""
        if self._connection:
            self._connection.gather_writes(turns)

    def abort(self, reason: str = "unread") -> None:
        """Reset the connection of a client that does not read, or for another counted reason."""
        if self._connection:
            self._connection.abort(reason)

    def seconds_without_ack(self) -> float:
        """Return how long the client has left sent bytes unacknowledged.

        0 if all are acknowledged.
        """
        return self._connection.seconds_without_ack() if self._connection else 0.0
