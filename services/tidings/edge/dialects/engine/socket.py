"""A dialect on a WebSocket: accepts a token in the URL; there is no auth frame."""

from __future__ import annotations

import time

from tidings.edge.connection.connection import ConnectionContext
from tidings.edge.connection.gate import ConnectionGate
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

    async def authenticate(self, handshake: HandshakeInfo) -> tuple[Identity, str | None]:
        """Return the identity and the cursor; a client that sends a cursor receives cursors."""
        identity = await self._gate.identify(handshake, in_query=True)
        if identity is None:
            raise NoToken(TOKEN_HINT)
        self._gate.check_connect_rate(handshake, identity)
        cursor = handshake.query_value("cursor")
        self._includes_cursors = cursor is not None
        return identity, cursor

    async def serve(self, identity: Identity, cursor: str | None) -> None:
        """Send frames and handle requests until one side ends the connection."""
        connection = DialectConnection(
            self._connections,
            identity,
            websocket_renderer(self._dialect, includes_cursors=self._includes_cursors),
            DialectReplay(self._connections.log, self._sent_positions),
            self._transport.send_message,
        )
        policy = DialectPolicy(self._marks, self._dialect, connection)
        await connection.run(cursor, lambda: self._listen(policy))

    async def _listen(self, policy: DialectPolicy) -> None:
        bucket = self._gate.frame_bucket()
        while True:
            text = await self._transport.receive_text()
            if bucket:
                bucket.take_token(time.monotonic()).raise_if_exceeded()
            await policy.handle_text(text)
