"""The WebSocket at `/v1/socket` (RFC 6455), as a bare ASGI handler: the hot path."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send
from tidings.contracts.closing import Code
from tidings.contracts.cursor import InvalidCursor
from tidings.contracts.frames import (
    Ack,
    Auth,
    ClientFrame,
    InvalidMark,
    MarkOperation,
    Ping,
    Signal,
    Unwatch,
    Watch,
)
from tidings.contracts.ids import Id
from tidings.edge.connection import Closed, Connection, Gone
from tidings.edge.door import Crowded
from tidings.edge.edge import Edge
from tidings.edge.guest import Guest
from tidings.edge.log import Unreplayable
from tidings.edge.wire import Page
from tidings.runtime import problem
from tidings.runtime.auth import ForeignOrigin, Identity, NoToken, Unauthorised
from tidings.runtime.credential import Arrival
from tidings.runtime.errors import TidingsError, Unavailable
from tidings.runtime.problem import Problem
from tidings.runtime.rate import Throttled

AUTH_SECONDS = 10.0
FRAME_LIMIT_BYTES = 64 * 1024
REASON_LIMIT_BYTES = 120

_frame: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)


def _code(ended: Exception) -> int:
    match ended:
        case Closed() | Unauthorised():
            return ended.code
        case Throttled():
            return Code.TOO_FAST
        case Crowded():
            return Code.TOO_MANY
        case Problem():
            return Code.ELSEWHERE
        case _:
            return Code.UNAVAILABLE


def _device(arrival: Arrival) -> str | None:
    """The name that a device gives itself in the address."""
    try:
        return msgspec.convert(arrival.first("device"), Id | None)
    except msgspec.ValidationError as error:
        raise Closed(Code.BAD_FRAME, f"`device`: {error}") from None


class Socket:
    """One WebSocket from its acceptance to its end."""

    __slots__ = ("_asgi_send", "_device", "_edge", "_receive", "_scope")

    def __init__(self, edge: Edge, scope: Scope, receive: Receive, send: Send) -> None:
        self._edge = edge
        self._scope = scope
        self._receive = receive
        self._asgi_send = send

    async def run(self) -> None:
        """Accept, authenticate, speak and listen until one side ends it."""
        await self._receive()
        arrival, door = Arrival.of(self._scope), self._edge.door
        try:
            door.check(arrival)
        except ForeignOrigin as refused:
            await problem.respond(
                self._asgi_send, refused.status, "forbidden", str(refused), kind="websocket.http"
            )
            return
        await self._asgi_send(
            {"type": "websocket.accept", "subprotocol": door.subprotocol(arrival), "headers": []}
        )
        place = None
        try:
            place = door.enter(arrival)
            identity, cursor = await self._identify(arrival)
            del arrival  # what is parsed of the headers need not last as long as the connection
            await self._talk(identity, cursor)
        except Gone:
            pass
        except (Closed, Unauthorised, Throttled, Crowded, Problem, Unavailable) as ended:
            await self._close(_code(ended), str(ended))
        finally:
            door.leave(place)

    async def _identify(self, arrival: Arrival) -> tuple[Identity, str | None]:
        """Who is asking, and from which cursor on; raises Unauthorised, Throttled, Unavailable, Closed or Gone."""
        identity, cursor = await self._edge.door.identify(arrival), arrival.first("cursor")
        self._device = _device(arrival)
        if identity is None:
            identity, first = await self._first()
            cursor = first or cursor
        self._edge.door.knock(arrival, identity)
        return identity, cursor

    async def _first(self) -> tuple[Identity, str | None]:
        """By the first frame."""
        try:
            with self._edge.door.waiting():
                async with asyncio.timeout(AUTH_SECONDS):
                    frame = await self._frame()
        except TimeoutError:
            raise NoToken(f"no auth frame within {AUTH_SECONDS:.0f} seconds") from None
        if not isinstance(frame, Auth):
            raise NoToken("the first frame must be auth")
        self._device = frame.device or self._device
        return await self._edge.door.identify_by(frame.token), frame.cursor

    async def _talk(self, identity: Identity, cursor: str | None) -> None:
        await Connection(self._edge, identity, self._send, self._device).run(cursor, self._listen)

    async def _listen(self, connection: Connection) -> None:
        guest: Guest | None = None
        bucket = self._edge.door.frames()
        while True:
            frame = await self._frame()
            if bucket:
                bucket.take(time.monotonic()).check()
            match frame:
                case MarkOperation() as operation:
                    connection.say(await self._mark(connection.identity, operation))
                case Ping():
                    connection.ping()
                case Ack():
                    connection.ack(frame.cursor)
                case Signal() | Watch() | Unwatch() as asked:
                    guest = guest or Guest(self._edge.company, connection)
                    await guest.ask(asked)
                case Auth():
                    connection.renew(await self._edge.door.identify_by(frame.token))

    async def _mark(self, identity: Identity, operation: MarkOperation) -> Page:
        answer: dict[str, Any] = {"type": "result", "op": operation.op, "ok": True}
        try:
            answer["cursor"] = str(
                await self._edge.mark(identity.person, operation, datetime.now(UTC))
            )
        except (InvalidCursor, Unreplayable) as problem:
            answer |= {"ok": False, "error": f"up_to: {problem}"}
        except InvalidMark as problem:
            answer |= {"ok": False, "error": str(problem)}
        except TidingsError:
            answer |= {"ok": False, "error": "unavailable; send it again with the same op"}
        return Page("result", msgspec.json.encode(answer))

    async def _frame(self) -> ClientFrame:
        try:
            return _frame.decode(await self._text())
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise Closed(Code.BAD_FRAME, f"bad frame: {error}") from None

    async def _text(self) -> str | bytes:
        """What the client says next; raises Gone, or Closed if it is too long."""
        message: Any = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise Gone
        text = message.get("text") or message.get("bytes") or b""
        if len(text) > FRAME_LIMIT_BYTES:
            raise Closed(Code.BAD_FRAME, f"a frame has at most {FRAME_LIMIT_BYTES} bytes")
        return text

    def _send(self, page: Page) -> Any:
        return self._asgi_send(page.message)

    async def _close(self, code: int, reason: str) -> None:
        """Close; a client that does not read has until it is stale to learn why."""
        words = reason.encode()[:REASON_LIMIT_BYTES].decode(errors="ignore")
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._edge.settings.stale_seconds):
                await self._asgi_send({"type": "websocket.close", "code": code, "reason": words})
