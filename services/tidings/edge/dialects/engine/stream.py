"""A dialect on an event stream: accepts a token in the URL; ends without a final event."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from tidings.edge.connection.closing import ConnectionClosed
from tidings.edge.connection.connection import ConnectionContext
from tidings.edge.connection.event_stream import EventStreamTransport
from tidings.edge.connection.gate import ConnectionGate
from tidings.edge.connection.limits import ConnectionSlot
from tidings.edge.dialects.engine.connection import DialectConnection
from tidings.edge.dialects.engine.dialect import Dialect
from tidings.edge.dialects.engine.renderer import stream_renderer
from tidings.edge.dialects.engine.replay import DialectReplay
from tidings.edge.dialects.engine.sent_positions import SentPositions
from tidings.runtime.auth.credential import HandshakeInfo
from tidings.runtime.auth.identity import Identity


class DialectEventStream:
    """One event stream of a front end; it resumes after `Last-Event-ID`."""

    __slots__ = ("_connections", "_dialect", "_gate", "_sent_positions", "_slot", "_transport")

    def __init__(
        self,
        gate: ConnectionGate,
        connections: ConnectionContext,
        dialect: Dialect,
        sent_positions: SentPositions,
        transport: EventStreamTransport,
    ) -> None:
        self._gate = gate
        self._connections = connections
        self._dialect = dialect
        self._sent_positions = sent_positions
        self._transport = transport
        self._slot: ConnectionSlot | None = None

    async def authenticate(self, handshake: HandshakeInfo) -> Identity | None:
        """Return the identity of the client, None without a token.

        An EventSource reconnects when its stream ends, but not when its request is refused: so the
        user's slot is taken before the answer.
        """
        identity = await self._gate.identify(handshake, in_query=True, dialect=self._dialect.name)
        if identity:
            self._slot = self._connections.limits.acquire_slot(identity, self._transport.peer)
        return identity

    async def serve(self, identity: Identity, cursor: str | None) -> None:
        """Send events until one side ends the stream."""
        assert self._slot  # taken by `authenticate`
        connection = DialectConnection(
            self._connections,
            identity,
            stream_renderer(self._dialect),
            DialectReplay(self._connections.log, self._sent_positions),
            self._send,
            slot=self._slot,
        )
        await connection.run(cursor, self._transport.wait_for_disconnect)

    def release_slot(self) -> None:
        """Free the slot that `authenticate` took."""
        if self._slot:
            self._slot.release()

    def _send(self, message: Any) -> Awaitable[None]:
        # Looked up for each message: the first one of a stream is sent in another way.
        return self._transport.send_message(message)

    def final_chunk(self, reason: ConnectionClosed) -> bytes:
        """Return nothing: an EventSource reconnects when its stream ends."""
        return b""
