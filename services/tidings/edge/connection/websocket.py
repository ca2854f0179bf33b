"""WebSockets (RFC 6455) as a bare ASGI handler, without the framework's cost per frame."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Protocol, cast

from litestar.types import Receive, Scope, Send
from tidings.contracts.close_codes import CloseCode, CloseReason, encode_reason
from tidings.edge.connection.closing import ClientDisconnected, ConnectionClosed
from tidings.edge.connection.gate import ConnectionGate
from tidings.edge.connection.peer import CLOSE_TIMEOUT_SECONDS, PeerControl
from tidings.edge.connection.refusals import REFUSALS, close_code_and_reason, problem_of
from tidings.edge.monitoring.connection_meter import ConnectionMeter
from tidings.edge.monitoring.metered_send import MeteredSend
from tidings.runtime.auth.credential import HandshakeInfo
from tidings.runtime.auth.identity import ForeignOrigin, Identity
from tidings.runtime.http import problem
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.stranger_limit import record_refusal
from tidings.runtime.settings import Settings

FRAME_LIMIT_BYTES = 64 * 1024
TURNS_TO_FIRST_FRAME = 2
"""Turns of the event loop from the handshake's answer to the first frames of a known client, which
then go out with it.
"""


class WebSocketConversation(Protocol):
    """The protocol of a WebSocket: the canonical one or a dialect's."""

    @property
    def documented_close_codes(self) -> frozenset[CloseCode] | None:
        """The close codes that clients expect for a token's faults; None: all are expected.

        With None, the handshake is accepted before the client is authenticated. Otherwise it is
        accepted after that, and every refusal without such a code answers the handshake.
        """
        ...

    async def authenticate(self, handshake: HandshakeInfo) -> tuple[Identity, str | None]:
        """Return the identity of the client and the cursor to start at.

        Raises Unauthorised, RateExceeded, Problem, Unavailable, ConnectionClosed or
        ClientDisconnected.
        """
        ...

    def serve(self, identity: Identity, cursor: str | None) -> Awaitable[None]:
        """Send and receive until one side closes; raises what `authenticate` raises."""
        ...

    def release_slot(self) -> None:
        """Free the user's slot if `authenticate` took one."""
        ...


class WebSocketTransport:
    """The ASGI messages of one WebSocket."""

    __slots__ = ("_meter", "_receive", "_scope", "is_accepted", "peer", "send_message")

    def __init__(
        self,
        settings: Settings,
        meter: ConnectionMeter,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self.peer = PeerControl(scope, settings)
        self._meter = meter
        self._scope = scope
        self._receive = receive
        self.send_message = MeteredSend(meter, send).send_websocket
        self.is_accepted = False

    async def receive_request(self) -> Scope:
        """Return the scope of the client's opening request."""
        await self._receive()
        return self._scope

    def write_prepared(self, data: bytes) -> bool:
        """Write one frame as it is encoded; return False if it must be sent as a message."""
        if not self.peer.write_prepared(data):
            return False
        self._meter.messages_sent += 1
        return True

    async def accept_handshake(self, subprotocol: str | None) -> None:
        """Complete the handshake; raises ClientDisconnected."""
        self.is_accepted = True
        self.peer.gather_writes(turns=TURNS_TO_FIRST_FRAME)
        try:
            await self.send_message(
                {"type": "websocket.accept", "subprotocol": subprotocol, "headers": []}
            )
        except OSError:
            raise ClientDisconnected from None
        # uvicorn ignores the message if the client has just left, and fails at the next one
        # unless `connection_lost` has run, which is due now.
        await asyncio.sleep(0)

    async def refuse_handshake(self, refusal: Problem) -> None:
        """Answer the opening request with a problem document."""
        with suppress(OSError):
            await problem.send_problem(
                self.send_message,
                refusal.status,
                refusal.title,
                refusal.detail,
                refusal.headers,
                kind="websocket.http",
                fields=refusal.more,
            )

    def forget_headers(self) -> None:
        """Free the headers of the opening request; nothing reads them once a client is known."""
        cast(Any, self._scope)["headers"].clear()

    def record_refusal(self, refusal: Exception) -> None:
        """Count a wrong token against the client's address."""
        record_refusal(self._scope, refusal)

    async def receive_text(self) -> str | bytes:
        """Return the client's next frame.

        Raises ClientDisconnected, or ConnectionClosed if the frame is too long.
        """
        message: Any = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._meter.record_disconnect(message["code"])
            raise ClientDisconnected
        self._meter.messages_received += 1
        text = message.get("text") or message.get("bytes") or b""
        if len(text) > FRAME_LIMIT_BYTES:
            raise ConnectionClosed(
                CloseCode.BAD_FRAME, f"a frame has at most {FRAME_LIMIT_BYTES} bytes"
            )
        return text

    async def close(self, code: int, reason: CloseReason) -> None:
        """Close the WebSocket; reset the connection of a client that does not read on."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self.send_message(
                    {"type": "websocket.close", "code": code, "reason": encode_reason(reason)}
                )
        except TimeoutError:
            self.peer.abort()
        except OSError:
            pass  # the client has disconnected


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
        """Authenticate, accept and serve until one side closes."""
        handshake = self._gate.handshake_of(await self._transport.receive_request())
        subprotocol = self._gate.accepted_subprotocol(handshake)
        accepts_first = self._protocol.documented_close_codes is None
        address = None
        try:
            self._gate.check_origin(handshake)
            if accepts_first:
                await self._transport.accept_handshake(subprotocol)
            address = self._gate.acquire_slot(handshake)
            identity, cursor = await self._protocol.authenticate(handshake)
            self._transport.peer.set_authenticated()
            # Frees the headers, which would live as long as the connection.
            self._transport.forget_headers()
            del handshake
            if not accepts_first:
                await self._transport.accept_handshake(subprotocol)
            await self._protocol.serve(identity, cursor)
        except ClientDisconnected:
            pass
        except REFUSALS as refusal:
            self._transport.record_refusal(refusal)
            await self._refuse(refusal, subprotocol)
        finally:
            self._protocol.release_slot()
            self._gate.release_slot(address)

    async def _refuse(self, refusal: Exception, subprotocol: str | None) -> None:
        """Close the WebSocket, or refuse its handshake if clients know no close code for this.

        Browsers hide the status of a failed handshake, but show scripts the close code.
        """
        code, reason = close_code_and_reason(refusal)
        if not self._transport.is_accepted:
            documented = self._protocol.documented_close_codes or ()
            if isinstance(refusal, ForeignOrigin) or code not in documented:
                await self._transport.refuse_handshake(problem_of(refusal))
                return
            with suppress(ClientDisconnected):
                await self._transport.accept_handshake(subprotocol)
        await self._transport.close(code, reason)
