"""Server-sent events (WHATWG HTML, section 9.2) as a bare ASGI handler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from litestar.types import Receive, Scope, Send
from tidings.edge.connection.closing import ClientDisconnected, ConnectionClosed
from tidings.edge.connection.gate import ConnectionGate
from tidings.edge.connection.peer import CLOSE_TIMEOUT_SECONDS, PeerControl
from tidings.edge.connection.refusals import REFUSALS, problem_of
from tidings.edge.monitoring.connection_meter import ConnectionMeter
from tidings.edge.monitoring.metered_send import MeteredSend
from tidings.runtime.auth.credential import HandshakeInfo
from tidings.runtime.auth.identity import TOKEN_HINT, Identity, NoToken
from tidings.runtime.http import problem
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.stranger_limit import record_refusal
from tidings.runtime.settings import Settings

RETRY_MILLISECONDS = 2000
TURNS_TO_FIRST_FRAME = 1
"""Turns of the event loop from the head to the first frames, which then go out with it."""
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class EventStreamConversation(Protocol):
    """The protocol of an event stream: the canonical one or a dialect's."""

    async def authenticate(self, handshake: HandshakeInfo) -> Identity | None:
        """Return the identity of the client, None without a credential.

        Raises Unauthorised, Unavailable, ConnectionClosed or msgspec.ValidationError.
        """
        ...

    def release_slot(self) -> None:
        """Free the user's slot if `authenticate` took one."""
        ...

    def serve(self, identity: Identity, cursor: str | None) -> Awaitable[None]:
        """Send until one side ends the stream; raises ConnectionClosed or ClientDisconnected."""
        ...

    def final_chunk(self, reason: ConnectionClosed) -> bytes:
        """Return the last bytes to send on a stream that the edge closes."""
        ...


class EventStreamTransport:
    """The ASGI messages of one event stream."""

    __slots__ = (
        *("_has_begun", "_meter", "_receive", "_scope", "_send", "_settings"),
        *("peer", "send_message"),
    )

    def __init__(
        self,
        settings: Settings,
        meter: ConnectionMeter,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self.peer = PeerControl(scope, settings)
        self._settings = settings
        self._meter = meter
        self._has_begun = False
        self._scope = scope
        self._receive = receive
        self._send = MeteredSend(meter, send).send_event_stream
        self.send_message: Callable[[Any], Awaitable[None]] = self._send

    @property
    def scope(self) -> Scope:
        """Return the scope of the client's request."""
        return self._scope

    async def send_head(self) -> None:
        """Send the status and the headers; raises TimeoutError for a client that reads nothing."""
        self.peer.set_authenticated()
        self.peer.gather_writes(turns=TURNS_TO_FIRST_FRAME)
        async with asyncio.timeout(self._settings.send_timeout_seconds):
            await self._send({"type": "http.response.start", "status": 200, "headers": [*HEADERS]})
        self.send_message = self._send_first

    def _send_first(self, message: Any) -> Awaitable[None]:
        """Send the first event, with the time after which a client reconnects.

        Clients that decode every block as an event fail on one that has nothing but `retry`.
        """
        self.send_message = self._send
        self._has_begun = True
        first: Any = {**message, "body": _with_retry(message["body"])}
        return self._send(first)

    def write_prepared(self, data: bytes) -> bool:
        """Write one event as a chunk; return False if it must be sent as a message."""
        if not self._has_begun or not self.peer.write_prepared(data):
            return False
        self._meter.messages_sent += 1
        return True

    def record_refusal(self, refusal: Exception) -> None:
        """Count a wrong token against the client's address."""
        record_refusal(self._scope, refusal)

    async def wait_for_disconnect(self) -> None:
        """Wait until the client leaves; raises ClientDisconnected."""
        while True:
            message: Any = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected

    async def end(self, final_chunk: bytes) -> None:
        """Send the last bytes and end the stream; reset that of a client that does not read on."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self._send_chunk(final_chunk, more=False)
        except TimeoutError:
            self.peer.abort()
        except OSError:
            pass  # the client has disconnected

    async def _send_chunk(self, chunk: bytes, *, more: bool) -> None:
        await self.send_message({"type": "http.response.body", "body": chunk, "more_body": more})


def _with_retry(event: bytes) -> bytes:
    """Return an event with the `retry` field before the empty line that ends it."""
    return b"%bretry: %d\n\n" % (event[:-1], RETRY_MILLISECONDS) if event else event


class EventStreamHandler:
    """One event stream from its first byte to its end."""

    __slots__ = ("_gate", "_protocol", "_transport")

    def __init__(
        self,
        gate: ConnectionGate,
        transport: EventStreamTransport,
        protocol: EventStreamConversation,
    ) -> None:
        self._gate = gate
        self._transport = transport
        self._protocol = protocol

    async def run(self) -> None:
        """Authenticate and send until one side ends the stream; answer refusals with a problem."""
        address = None
        try:
            identity, cursor, address = await self._admit(
                self._gate.handshake_of(self._transport.scope)
            )
            await self._serve(identity, cursor)
        except msgspec.ValidationError as error:
            await self._send_problem(
                Problem(400, "bad request", f"`watch`, `user`, `device` or `counts`: {error}")
            )
        except REFUSALS as refusal:
            self._transport.record_refusal(refusal)
            await self._send_problem(problem_of(refusal))
        finally:
            self._protocol.release_slot()
            self._gate.release_slot(address)

    async def _admit(self, handshake: HandshakeInfo) -> tuple[Identity, str | None, str | None]:
        """Return the identity, the cursor to start at, and the address whose slot is taken.

        Raises what `run` answers with a problem.
        """
        self._gate.check_origin(handshake)
        identity = await self._protocol.authenticate(handshake)
        if identity is None:
            raise NoToken(TOKEN_HINT)
        self._gate.check_connect_rate(handshake, identity)
        cursor = handshake.last_event_id or handshake.query_value("cursor")
        return identity, cursor, self._gate.acquire_slot(handshake)

    async def _send_problem(self, refusal: Problem) -> None:
        await problem.send_problem(
            self._transport.send_message,
            refusal.status,
            refusal.title,
            refusal.detail,
            refusal.headers,
            fields=refusal.more,
        )

    async def _serve(self, identity: Identity, cursor: str | None) -> None:
        try:
            await self._transport.send_head()
            request: Any = self._transport.scope
            if request["method"] == "HEAD":
                await self._transport.end(b"")
                return
            # Frees what would live as long as the connection; nothing reads it from here on.
            request["headers"].clear()
            await self._protocol.serve(identity, cursor)
        except ClientDisconnected:
            pass
        except TimeoutError:
            self._transport.peer.abort()
        except ConnectionClosed as reason:
            await self._transport.end(self._protocol.final_chunk(reason))
