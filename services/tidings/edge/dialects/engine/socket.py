"""A dialect on a WebSocket: accepts a token in the URL; there is no auth frame."""

from __future__ import annotations

from tidings.contracts.close_codes import CloseCode
from tidings.contracts.subjects import Person
from tidings.edge.connection.connection import ConnectionContext
from tidings.edge.connection.gate import ConnectionGate
from tidings.edge.connection.limits import ConnectionSlot
from tidings.edge.connection.websocket import WebSocketTransport
from tidings.edge.delivery.marks import Marks
from tidings.edge.dialects.engine.connection import DialectConnection
from tidings.edge.dialects.engine.dialect import Dialect
from tidings.edge.dialects.engine.policy import DialectPolicy
from tidings.edge.dialects.engine.renderer import websocket_renderer
from tidings.edge.dialects.engine.replay import DialectReplay
from tidings.edge.dialects.engine.sent_positions import SentPositions
from tidings.runtime.auth.credential import HandshakeInfo
from tidings.runtime.auth.identity import TOKEN_HINT, Identity, NoToken


class DialectWebSocket:
    """One WebSocket of a front end."""

    __slots__ = (
        "_connections",
        "_dialect",
        "_gate",
        "_includes_cursors",
        "_marks",
        "_sent_positions",
        "_slot",
        "_transport",
    )

    def __init__(
        self,
        gate: ConnectionGate,
        connections: ConnectionContext,
        marks: Marks,
        dialect: Dialect,
        sent_positions: SentPositions,
        transport: WebSocketTransport,
    ) -> None:
        self._gate = gate
        self._connections = connections
        self._marks = marks
        self._dialect = dialect
        self._sent_positions = sent_positions
        self._transport = transport
        self._includes_cursors = False
        self._slot: ConnectionSlot | None = None

    @property
    def documented_close_codes(self) -> frozenset[CloseCode]:
        """Return the close codes that the product's document states."""
        return self._dialect.documented_close_codes

    async def authenticate(self, handshake: HandshakeInfo) -> tuple[Identity, str | None]:
        """Return the identity and the cursor; a client that sends a cursor receives cursors."""
        identity = await self._gate.identify(handshake, in_query=True, dialect=self._dialect.name)
        if identity is None:
            raise NoToken(TOKEN_HINT)
        self._gate.check_connect_rate(handshake, identity)
        self._slot = self._connections.limits.acquire_slot(identity, self._transport.peer)
        cursor = handshake.query_value("cursor")
        self._includes_cursors = cursor is not None
        return identity, cursor

    async def serve(self, identity: Identity, cursor: str | None) -> None:
        """Send frames and handle requests until one side ends the connection."""
        assert self._slot  # taken by `authenticate`
        connection = DialectConnection(
            self._connections,
            identity,
            websocket_renderer(self._dialect, includes_cursors=self._includes_cursors),
            DialectReplay(self._connections.log, self._sent_positions),
            self._transport.send_message,
            slot=self._slot,
        )
        policy = DialectPolicy(self._marks, self._dialect, connection)
        await connection.run(cursor, lambda: self._listen(policy, identity.person))

    def release_slot(self) -> None:
        """Free the slot that `authenticate` took."""
        if self._slot:
            self._slot.release()

    async def _listen(self, policy: DialectPolicy, person: Person) -> None:
        while True:
            text = await self._transport.receive_text()
            self._gate.check_frame_rate(person)
            await policy.handle_text(text)
