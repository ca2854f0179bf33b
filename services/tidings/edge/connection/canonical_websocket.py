"""The canonical protocol on a WebSocket, at `/v1/socket`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import msgspec
from tidings.contracts.close_codes import CloseCode
from tidings.contracts.cursor import InvalidCursor
from tidings.contracts.frames import (
    Ack,
    Auth,
    ClientFrame,
    CountsMode,
    InvalidMark,
    MarkOperation,
    Ping,
    Result,
    Signal,
    Unwatch,
    Watch,
)
from tidings.contracts.ids import Id
from tidings.edge.connection.closing import ConnectionClosed
from tidings.edge.connection.connection import ConnectionContext, UserConnection
from tidings.edge.connection.gate import ConnectionGate
from tidings.edge.connection.replay import CanonicalReplay
from tidings.edge.connection.websocket import WebSocketTransport
from tidings.edge.delivery.frames import EncodedFrame, encode_frame
from tidings.edge.delivery.log_reader import Unreplayable
from tidings.edge.delivery.marks import Marks
from tidings.edge.presence.session import PresenceSession
from tidings.runtime.auth.credential import HandshakeInfo
from tidings.runtime.auth.identity import Identity, NoToken
from tidings.runtime.errors import TidingsError

AUTH_TIMEOUT_SECONDS = 10.0

_client_frame_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)


class CanonicalWebSocket:
    """The canonical protocol on one WebSocket."""

    __slots__ = ("_connections", "_counts", "_device", "_gate", "_marks", "_transport")

    def __init__(
        self,
        gate: ConnectionGate,
        connections: ConnectionContext,
        marks: Marks,
        transport: WebSocketTransport,
    ) -> None:
        self._gate = gate
        self._connections = connections
        self._marks = marks
        self._transport = transport
        self._counts: CountsMode | None = None

    @property
    def documented_close_codes(self) -> None:
        """Return None: the protocol documents every close code, and a token may come by frame."""

    def release_slot(self) -> None:
        """Do nothing: `serve` takes the slot."""

    async def authenticate(self, handshake: HandshakeInfo) -> tuple[Identity, str | None]:
        """Return the identity from the handshake or the first frame, and the cursor to start at."""
        identity, cursor = (
            await self._gate.identify(handshake),
            handshake.query_value("cursor"),
        )
        self._device = _query_value(handshake, "device", Id)
        self._counts = _query_value(handshake, "counts", CountsMode)
        if identity is None:
            identity, first = await self._authenticate_by_frame(handshake)
            cursor = first or cursor
        self._gate.check_connect_rate(handshake, identity)
        return identity, cursor

    # This is no coroutine function, whose frame would live as long as the connection.
    def serve(self, identity: Identity, cursor: str | None) -> Awaitable[None]:
        """Send frames and handle the client's until one side ends the connection."""
        replay = CanonicalReplay(self._connections.log)
        slot = self._connections.limits.acquire_slot(identity, self._transport.peer)
        connection = UserConnection(
            *(self._connections, identity, self._send, replay, self._device),
            write=self._write,
            counts=self._counts,
            slot=slot,
        )
        return connection.run(cursor, self._listen)

    async def _authenticate_by_frame(self, handshake: HandshakeInfo) -> tuple[Identity, str | None]:
        """Return the identity and the cursor of the first frame, which must be `auth`."""
        try:
            with self._gate.unauthenticated_slot(handshake):
                async with asyncio.timeout(AUTH_TIMEOUT_SECONDS):
                    frame = await self._next_frame()
        except TimeoutError:
            raise NoToken(f"no auth frame within {AUTH_TIMEOUT_SECONDS:.0f} seconds") from None
        if not isinstance(frame, Auth):
            raise NoToken("the first frame must be auth")
        self._device = frame.device or self._device
        self._counts = frame.counts or self._counts
        return await self._gate.identify_token(frame.token), frame.cursor

    async def _listen(self, connection: UserConnection) -> None:
        session: PresenceSession | None = None
        person = connection.identity.person
        while True:
            frame = await self._next_frame()
            self._gate.check_frame_rate(person)
            match frame:
                case MarkOperation() as operation:
                    connection.send_now(await self._mark(connection.identity, operation))
                case Ping():
                    connection.answer_ping()
                case Ack():
                    connection.record_ack(frame.cursor)
                case Signal() | Watch() | Unwatch():
                    session = session or PresenceSession(self._connections.presence, connection)
                    await session.handle_frame(frame)
                case Auth():
                    connection.renew_token(await self._gate.identify_token(frame.token))

    async def _mark(self, identity: Identity, operation: MarkOperation) -> EncodedFrame:
        try:
            cursor = await self._marks.append_mark(identity.person, operation, datetime.now(UTC))
        except (InvalidCursor, Unreplayable) as error:
            reason = f"up_to: {error}"
        except InvalidMark as error:
            reason = str(error)
        except TidingsError:
            reason = "unavailable; send it again with the same op"
        else:
            return encode_frame(Result(op=operation.op, ok=True, cursor=str(cursor)))
        return encode_frame(Result(op=operation.op, ok=False, error=reason))

    async def _next_frame(self) -> ClientFrame:
        try:
            return _client_frame_decoder.decode(await self._transport.receive_text())
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise ConnectionClosed(CloseCode.BAD_FRAME, f"bad frame: {error}") from None

    def _send(self, frame: EncodedFrame) -> Any:
        return self._transport.send_message(frame.websocket_message)

    def _write(self, frame: EncodedFrame) -> bool:
        return self._transport.write_prepared(frame.websocket_frame)


def _query_value(handshake: HandshakeInfo, name: str, type_: Any) -> Any:
    """Return a value of the URL's query or None; raises ConnectionClosed if it is malformed."""
    try:
        return msgspec.convert(handshake.query_value(name), type_ | None)
    except msgspec.ValidationError as error:
        raise ConnectionClosed(CloseCode.BAD_FRAME, f"`{name}`: {error}") from None
