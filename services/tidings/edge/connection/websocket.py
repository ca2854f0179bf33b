"""WebSockets (RFC 6455) as a bare ASGI handler, without the framework's cost per frame."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Protocol

from litestar.types import Receive, Scope, Send
from tidings.contracts.close_codes import CloseCode, CloseReason, encode_reason
from tidings.edge.connection.closing import ClientDisconnected, ConnectionClosed
from tidings.edge.connection.gate import ConnectionGate, TooManyConnections
from tidings.runtime.auth.credential import HandshakeInfo
from tidings.runtime.auth.identity import ForeignOrigin, Identity, Unauthorised
from tidings.runtime.errors import Unavailable
from tidings.runtime.http import problem
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.rate import RateExceeded
from tidings.runtime.settings import Settings

FRAME_LIMIT_BYTES = 64 * 1024


class WebSocketConversation(Protocol):
    """The protocol of an accepted WebSocket: the canonical one or a dialect's."""

    async def authenticate(self, handshake: HandshakeInfo) -> tuple[Identity, str | None]:
        """Return the identity of the client and the cursor to start at.

        Raises Unauthorised, RateExceeded, Problem, Unavailable, ConnectionClosed or
        ClientDisconnected.
        """
        ...

    async def serve(self, identity: Identity, cursor: str | None) -> None:
        """Send and receive until one side closes; raises what `authenticate` raises."""
        ...


class WebSocketTransport:
    """The ASGI messages of one WebSocket."""

    __slots__ = ("_receive", "_scope", "_settings", "send_message")

    def __init__(self, settings: Settings, scope: Scope, receive: Receive, send: Send) -> None:
        self._settings = settings
        self._scope = scope
        self._receive = receive
        self.send_message = send

    async def receive_handshake(self) -> HandshakeInfo:
        """Return the client's opening request."""
        await self._receive()
        return HandshakeInfo.from_scope(self._scope)

    async def accept_handshake(self, subprotocol: str | None) -> None:
        """Complete the handshake."""
        await self.send_message(
            {"type": "websocket.accept", "subprotocol": subprotocol, "headers": []}
        )

    async def refuse_handshake(self, refusal: ForeignOrigin) -> None:
        """Answer the opening request with a problem document."""
        await problem.send_problem(
            self.send_message, refusal.status, "forbidden", str(refusal), kind="websocket.http"
        )

    async def receive_text(self) -> str | bytes:
        """Return the client's next frame.

        Raises ClientDisconnected, or ConnectionClosed if the frame is too long.
        """
        message: Any = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise ClientDisconnected
        text = message.get("text") or message.get("bytes") or b""
        if len(text) > FRAME_LIMIT_BYTES:
            raise ConnectionClosed(
                CloseCode.BAD_FRAME, f"a frame has at most {FRAME_LIMIT_BYTES} bytes"
            )
        return text

    async def close(self, code: int, reason: CloseReason) -> None:
        """Close the WebSocket.

        Gives up on a client that reads nothing for `idle_peer_timeout_seconds`.
        """
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._settings.idle_peer_timeout_seconds):
                await self.send_message(
                    {"type": "websocket.close", "code": code, "reason": encode_reason(reason)}
                )


class WebSocketHandler:
    """One WebSocket from its handshake to its end."""

    __slots__ = ("_gate", "_protocol", "_transport")

    def __init__(
        self, gate: ConnectionGate, transport: WebSocketTransport, protocol: WebSocketConversation
    ) -> None:
        self._gate = gate
        self._transport = transport
        self._protocol = protocol

    async def run(self) -> None:
        """Accept, authenticate and serve until one side closes."""
        handshake = await self._transport.receive_handshake()
        try:
            self._gate.check_origin(handshake)
        except ForeignOrigin as refusal:
            await self._transport.refuse_handshake(refusal)
            return
        # Other refusals follow after the handshake: browsers hide the status of a failed one, but
        # show scripts the close code.
        await self._transport.accept_handshake(self._gate.accepted_subprotocol(handshake))
        address = None
        try:
            address = self._gate.acquire_slot(handshake)
            identity, cursor = await self._protocol.authenticate(handshake)
            del handshake  # frees the parsed headers, which would live as long as the connection
            await self._protocol.serve(identity, cursor)
        except ClientDisconnected:
            pass
        except (
            ConnectionClosed,
            Unauthorised,
            RateExceeded,
            TooManyConnections,
            Problem,
            Unavailable,
        ) as reason:
            await self._transport.close(*_close_code_and_reason(reason))
        finally:
            self._gate.release_slot(address)


def _close_code_and_reason(reason: Exception) -> tuple[int, CloseReason]:
    """Return the close code of an exception and the reason to send with it."""
    message = str(reason)
    match reason:
        case ConnectionClosed():
            return reason.code, CloseReason(message, reason.retry_after_seconds)
        case Unauthorised():
            return reason.code, CloseReason(message)
        case RateExceeded():
            return CloseCode.TOO_FAST, CloseReason(message, reason.status.retry_after_seconds)
        case TooManyConnections():
            return CloseCode.TOO_MANY, CloseReason(message)
        case Problem():
            partition: int | None = reason.more.get("partition")
            return CloseCode.ELSEWHERE, CloseReason(message, partition=partition)
        case _:
            return CloseCode.UNAVAILABLE, CloseReason(message)
