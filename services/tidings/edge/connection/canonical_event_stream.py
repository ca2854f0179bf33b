"""The canonical protocol on an event stream, at `/v1/stream`: each event's id is the cursor."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, cast

import msgspec
from tidings.contracts.close_codes import CloseCode
from tidings.contracts.frames import CountsMode, Watch
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

PLANNED_CODES = (CloseCode.LIFETIME_OVER, CloseCode.DRAINING)


class CanonicalEventStream:
    """The canonical protocol on one event stream; the query of its URL names what it watches."""

    __slots__ = (
        *("_connections", "_counts", "_device", "_gate"),
        *("_id_suffix", "_transport", "_watches"),
    )

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
        self._counts: CountsMode | None = None
        self._id_suffix = b""
        self._watches: list[Watch] = []

    async def authenticate(self, handshake: HandshakeInfo) -> Identity | None:
        """Return the identity of the client, None without a credential.

        Raises Unauthorised, Unavailable, or ValidationError for `watch`, `user`, `device` or
        `counts`.
        """
        identity = await self._gate.identify(handshake)
        if identity:
            self._id_suffix = self._gate.event_id_suffix(handshake).encode()
            self._watches = list(watches_in(handshake.query))
            self._device = msgspec.convert(handshake.query_value("device"), Id | None)
            counts = msgspec.convert(handshake.query_value("counts"), CountsMode | None)
            self._counts = cast(CountsMode | None, counts)
        return identity

    def release_slot(self) -> None:
        """Do nothing: `serve` takes the slot."""

    # This is no coroutine function, whose frame would live as long as the connection.
    def serve(self, identity: Identity, cursor: str | None) -> Awaitable[None]:
        """Send frames until one side ends the connection."""
        replay = CanonicalReplay(self._connections.log)
        slot = self._connections.limits.acquire_slot(identity, self._transport.peer)
        connection = UserConnection(
            *(self._connections, identity, self._send, replay, self._device),
            write=self._write,
            counts=self._counts,
            slot=slot,
        )
        return connection.run(cursor, self._listen)

    def final_chunk(self, reason: ConnectionClosed) -> bytes:
        """Return a `move` event if the client should return at once, else an `error` event.

        An EventSource returns by itself: a planned end is no error to its page.
        """
        if reason.code in PLANNED_CODES:
            return frames.move(0).event_stream_chunk["body"]
        frame = frames.error(
            str(int(reason.code)),
            str(reason),
            retry=reason.code.should_reconnect,
            retry_after_seconds=reason.retry_after_seconds,
        )
        return frame.event_stream_chunk["body"]

    def _listen(self, connection: UserConnection) -> Awaitable[None]:
        if self._watches:
            return self._listen_and_watch(connection)
        return self._transport.wait_for_disconnect()

    async def _listen_and_watch(self, connection: UserConnection) -> None:
        session = PresenceSession(self._connections.presence, connection)
        for watch in self._watches:
            await session.start_watch(watch)
        await self._transport.wait_for_disconnect()

    def _send(self, frame: EncodedFrame) -> Any:
        chunk = frame.event_stream_chunk
        if self._id_suffix and frame.cursor:
            chunk = {**chunk, "body": _with_id_suffix(chunk["body"], self._id_suffix)}
        return self._transport.send_message(chunk)

    def _write(self, frame: EncodedFrame) -> bool:
        return not self._id_suffix and self._transport.write_prepared(frame.http_chunk)


def _with_id_suffix(event: bytes, suffix: bytes) -> bytes:
    """Return an event whose id, which stands before the data, has a suffix."""
    return event.replace(b"\ndata: ", suffix + b"\ndata: ", 1)
