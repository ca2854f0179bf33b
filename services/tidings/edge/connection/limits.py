"""Limits: how many connections an edge admits after they are authenticated."""

from __future__ import annotations

from collections.abc import Callable

from tidings.contracts.close_codes import CloseCode
from tidings.contracts.subjects import Person
from tidings.edge.connection.closing import ConnectionClosed
from tidings.edge.connection.drain import Drain
from tidings.edge.connection.peer import PeerControl
from tidings.runtime.auth.access import SESSION_REVOKED
from tidings.runtime.auth.identity import Identity
from tidings.runtime.auth.revocation import Revocations
from tidings.runtime.settings import Settings


class ConnectionSlot:
    """A slot of one connection; it counts until it is released.

    `probe` sends something to the client, so that a lost one can be told from one that is there.
    """

    __slots__ = ("_limits", "_person", "peer", "probe")

    def __init__(
        self, limits: ConnectionLimits, person: Person, peer: PeerControl | None = None
    ) -> None:
        self._limits = limits
        self._person: Person | None = person
        self.peer = peer
        self.probe: Callable[[], None] | None = None

    def seconds_without_ack(self) -> float:
        """Return how long the client has left sent bytes unacknowledged, 0 if it is there."""
        return self.peer.seconds_without_ack() if self.peer else 0.0

    def evict(self) -> None:
        """Free the slot and reset the connection of a client that is lost."""
        self.release()
        if self.peer:
            self.peer.abort("lost")

    def release(self) -> None:
        """Free the slot; does nothing the second time."""
        if self._person is not None:
            self._limits.free_slot(self._person, self)
            self._person = None


class ConnectionLimits:
    """Counts the connections of each user and of the edge, and admits no more than the limits."""

    def __init__(self, settings: Settings, revocations: Revocations, drain: Drain) -> None:
        self._user_limit = settings.connections_per_user
        self._edge_limit = settings.connections_limit
        self._revocations = revocations
        self._drain = drain
        self._slots_by_user: dict[Person, list[ConnectionSlot]] = {}
        self._connections = 0

    def acquire_slot(self, identity: Identity, peer: PeerControl | None = None) -> ConnectionSlot:
        """Take a slot for a connection; undo with its `release`.

        A user at the limit gets the slot of the client that has been lost longest, if any is lost.
        Raises ConnectionClosed if the session is revoked, a limit is reached, or the edge stops.
        """
        self.check_admission(identity)
        person = identity.person
        slots = self._slots_by_user.get(person, [])
        if len(slots) >= self._user_limit and not _evict_lost(slots):
            for slot in slots:
                if slot.probe:
                    slot.probe()
            raise ConnectionClosed(
                CloseCode.TOO_MANY, f"at most {self._user_limit} connections for one user"
            )
        if self._connections >= self._edge_limit:
            raise ConnectionClosed(
                CloseCode.TOO_MANY, f"at most {self._edge_limit} connections to one edge"
            )
        slot = ConnectionSlot(self, person, peer)
        self._slots_by_user.setdefault(person, []).append(slot)
        self._connections += 1
        return slot

    def check_admission(self, identity: Identity) -> None:
        """Raise ConnectionClosed if the session has been revoked or the edge stops."""
        self.check_revocation(identity)
        if self._drain.started:
            raise ConnectionClosed(CloseCode.DRAINING, "this edge stops; reconnect")

    def free_slot(self, person: Person, slot: ConnectionSlot) -> None:
        """Count one connection of a user less."""
        self._connections -= 1
        self._slots_by_user[person].remove(slot)
        if not self._slots_by_user[person]:
            del self._slots_by_user[person]

    def check_revocation(self, identity: Identity) -> None:
        """Raise ConnectionClosed if the session has been revoked."""
        if self._revocations.is_revoked(identity):
            raise ConnectionClosed(CloseCode.TOKEN_OVER, SESSION_REVOKED)


def _evict_lost(slots: list[ConnectionSlot]) -> bool:
    """End the connection whose client has been lost longest; return False if all are there."""
    stalest = max(slots, key=ConnectionSlot.seconds_without_ack)
    if not stalest.seconds_without_ack():
        return False
    stalest.evict()
    return True
