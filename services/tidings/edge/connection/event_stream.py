"""Server-sent events (WHATWG HTML, section 9.2) as a bare ASGI handler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from litestar.types import Receive, Scope, Send
from tidings.edge.connection.closing import ClientDisconnected, ConnectionClosed
from tidings.edge.connection.gate import ConnectionGate, TooManyConnections
from tidings.runtime.auth.credential import HandshakeInfo
from tidings.runtime.auth.identity import TOKEN_HINT, Identity, NoToken, Unauthorised
from tidings.runtime.errors import Unavailable
from tidings.runtime.http import problem
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.rate import RateExceeded
from tidings.runtime.settings import Settings

RETRY_MILLISECONDS = 2000
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class EventStreamConversation(Protocol):
    """The protocol of an event stream: the canonical one or a dialect's."""

    async def authenticate(self, handshake: HandshakeInfo) -> Identity | None:
        """Return the identity of the client, None without a credential.

        Raises Unauthorised, Unavailable or msgspec.ValidationError.
        """
        ...

    async def serve(self, identity: Identity, cursor: str | None) -> None:
        """Send until one side ends the stream; raises ConnectionClosed or ClientDisconnected."""
        ...

    def final_chunk(self, reason: ConnectionClosed) -> bytes:
        """Return the last bytes to send on a stream that the edge closes."""
        ...


class EventStreamTransport:
    """The ASGI messages of one event stream."""

    __slots__ = ("_receive", "_scope", "_send", "_settings", "send_message")

    def __init__(self, settings: Settings, scope: Scope, receive: Receive, send: Send) -> None:
        self._settings = settings
        self._scope = scope
        self._receive = receive
        self._send = send
        self.send_message: Callable[[Any], Awaitable[None]] = send

    @property
    def handshake(self) -> HandshakeInfo:
        """Return the client's request."""
        return HandshakeInfo.from_scope(self._scope)

    async def send_head(self) -> None:
        """Send the status and the headers."""
        await self._send({"type": "http.response.start", "status": 200, "headers": [*HEADERS]})
        self.send_message = self._send_first

    def _send_first(self, message: Any) -> Awaitable[None]:
        """Send the first event, with the time after which a client reconnects.

        Clients that decode every block as an event fail on one that has nothing but `retry`.
        """
        self.send_message = self._send
        first: Any = {**message, "body": _with_retry(message["body"])}
        return self._send(first)

    async def wait_for_disconnect(self) -> None:
        """Wait until the client leaves; raises ClientDisconnected."""
        while True:
            message: Any = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected

    async def end(self, final_chunk: bytes) -> None:
        """Send the last bytes and end the stream.

        Gives up on a client that reads nothing for `idle_peer_timeout_seconds`.
        """
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._settings.idle_peer_timeout_seconds):
                await self._send_chunk(final_chunk, more=False)

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
            identity, cursor, address = await self._admit(self._transport.handshake)
            await self._serve(identity, cursor)
        except Unauthorised as refusal:
            await problem.send_problem(
                self._transport.send_message,
                refusal.status,
                "unauthorised" if refusal.status == 401 else "forbidden",
                str(refusal),
            )
        except msgspec.ValidationError as error:
            await problem.send_problem(
                self._transport.send_message,
                400,
                "bad request",
                f"`watch`, `user` or `device`: {error}",
            )
        except Problem as error:
            await problem.send_problem(
                self._transport.send_message,
                error.status,
                error.title,
                error.detail,
                fields=error.more,
            )
        except RateExceeded as refusal:
            await problem.send_problem(
                self._transport.send_message,
                429,
                "too many requests",
                str(refusal),
                refusal.status.headers,
                fields={"retry_after_seconds": refusal.status.retry_after_seconds},
            )
        except TooManyConnections as refusal:
            await problem.send_problem(
                self._transport.send_message, 429, "too many requests", str(refusal)
            )
        except Unavailable:
            await problem.send_problem(
                self._transport.send_message,
                503,
                "unavailable",
                "the token cannot be checked now; try again",
            )
        finally:
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
        cursor = handshake.headers.get("last-event-id") or handshake.query_value("cursor")
        return identity, cursor, self._gate.acquire_slot(handshake)

    async def _serve(self, identity: Identity, cursor: str | None) -> None:
        await self._transport.send_head()
        try:
            await self._protocol.serve(identity, cursor)
        except ClientDisconnected:
            pass
        except ConnectionClosed as reason:
            await self._transport.end(self._protocol.final_chunk(reason))
