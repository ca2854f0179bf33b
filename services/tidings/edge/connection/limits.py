"""Limits: which connections an edge keeps after they are authenticated."""

from __future__ import annotations

from tidings.contracts.close_codes import CloseCode
from tidings.edge.connection.closing import ConnectionClosed
from tidings.edge.connection.drain import Drain
from tidings.edge.delivery.hub import Hub
from tidings.edge.delivery.user_stream import UserStream
from tidings.runtime.auth.access import SESSION_REVOKED
from tidings.runtime.auth.identity import Identity
from tidings.runtime.auth.revocation import Revocations
from tidings.runtime.settings import Settings


class ConnectionLimits:
    """Checks a connection that has been subscribed to its user's stream."""

    def __init__(
        self, settings: Settings, revocations: Revocations, hub: Hub, drain: Drain
    ) -> None:
        self._user_limit = settings.connections_per_user
        self._edge_limit = settings.connections_limit
        self._revocations = revocations
        self._hub = hub
        self._drain = drain

    def check_limits(self, identity: Identity, stream: UserStream) -> None:
        """Raise ConnectionClosed if the session is revoked, a limit exceeded, or the edge stops."""
        self.check_revocation(identity)
        if len(stream.subscribers) > self._user_limit:
            raise ConnectionClosed(
                CloseCode.TOO_MANY, f"at most {self._user_limit} connections for one user"
            )
        if self._hub.subscriber_count > self._edge_limit:
            raise ConnectionClosed(
                CloseCode.TOO_MANY, f"at most {self._edge_limit} connections to one edge"
            )
        if self._drain.started:
            raise ConnectionClosed(CloseCode.DRAINING, "this edge stops; reconnect")

    def check_revocation(self, identity: Identity) -> None:
        """Raise ConnectionClosed if the session has been revoked."""
        if self._revocations.is_revoked(identity):
            raise ConnectionClosed(CloseCode.TOKEN_OVER, SESSION_REVOKED)
