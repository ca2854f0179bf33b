"""The canonical protocol on an event stream, at `/v1/stream`: each event's id is the cursor."""

from __future__ import annotations

from typing import Any

import msgspec
from tidings.contracts.frames import Watch
from tidings.contracts.ids import Id
from tidings.edge.connection.closing import ConnectionClosed
from tidings.edge.connection.connection import ConnectionContext, UserConnection
from tidings.edge.connection.event_stream import EventStreamTransport
from tidings.edge.connection.gate import ConnectionGate
from tidings.edge.connection.replay import CanonicalReplay
from tidings.edge.delivery import frames
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.presence.session import PresenceSession, watches_in
from tidings.runtime.auth.credential import HandshakeInfo
from tidings.runtime.auth.identity import Identity


class CanonicalEventStream:
    """The canonical protocol on one event stream; the query of its URL names what it watches."""

    __slots__ = ("_connections", "_device", "_gate", "_transport", "_watches")

    def __init__(
        self,
        gate: ConnectionGate,
        connections: ConnectionContext,
        transport: EventStreamTransport,
    ) -> None:
        self._gate = gate
        self._connections = connections
        self._transport = transport
        self._device: str | None = None
        self._watches: list[Watch] = []

    async def authenticate(self, handshake: HandshakeInfo) -> Identity | None:
        """Return the identity of the client, None without a credential.

        Raises Unauthorised, Unavailable, or ValidationError for `watch`, `user` or `device`.
        """
        identity = await self._gate.identify(handshake)
        if identity:
            self._watches = list(watches_in(handshake.query))
            self._device = msgspec.convert(handshake.query_value("device"), Id | None)
        return identity

    async def serve(self, identity: Identity, cursor: str | None) -> None:
        """Send frames until one side ends the connection."""
        replay = CanonicalReplay(self._connections.log)
        connection = UserConnection(self._connections, identity, self._send, replay, self._device)
        await connection.run(cursor, self._listen)

    def final_chunk(self, reason: ConnectionClosed) -> bytes:
        """Return an `error` event with the close code."""
        frame = frames.error(
            str(int(reason.code)),
            str(reason),
            retry=reason.code.should_reconnect,
            retry_after_seconds=reason.retry_after_seconds,
        )
        return frame.event_stream_chunk["body"]

    async def _listen(self, connection: UserConnection) -> None:
        if self._watches:
            session = PresenceSession(self._connections.presence, connection)
            for watch in self._watches:
                await session.start_watch(watch)
        await self._transport.wait_for_disconnect()

    def _send(self, frame: EncodedFrame) -> Any:
        return self._transport.send_message(frame.event_stream_chunk)
