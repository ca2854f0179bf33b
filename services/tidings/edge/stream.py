"""Server-sent events at `/v1/stream` (WHATWG HTML, section 9.2), as a bare ASGI handler: the same frames, `id:` the cursor."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send
from tidings.contracts.ids import Id
from tidings.edge import wire
from tidings.edge.connection import Closed, Connection, Gone
from tidings.edge.door import Crowded
from tidings.edge.edge import Edge
from tidings.edge.guest import Guest, watches_of
from tidings.edge.wire import Page
from tidings.runtime import problem
from tidings.runtime.auth import WHERE, Identity, NoToken, Unauthorised
from tidings.runtime.credential import Arrival
from tidings.runtime.errors import Unavailable
from tidings.runtime.problem import Problem
from tidings.runtime.rate import Throttled

RETRY_MILLISECONDS = 2000
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class Stream:
    """One event stream from its first byte to its end."""

    __slots__ = ("_asgi_send", "_device", "_edge", "_receive", "_scope", "_watches")

    def __init__(self, edge: Edge, scope: Scope, receive: Receive, send: Send) -> None:
        self._edge = edge
        self._scope = scope
        self._receive = receive
        self._asgi_send = send

    async def run(self) -> None:
        """Authenticate, then speak until one side ends it."""
        place = None
        try:
            identity, cursor, place = await self._come_in(Arrival.of(self._scope))
            await self._speak(identity, cursor)
        except Unauthorised as refused:
            await problem.respond(
                self._asgi_send,
                refused.status,
                "unauthorised" if refused.status == 401 else "forbidden",
                str(refused),
            )
        except msgspec.ValidationError as error:
            await problem.respond(
                self._asgi_send, 400, "bad request", f"`watch`, `user` or `device`: {error}"
            )
        except Problem as found:
            await problem.respond(self._asgi_send, found.status, found.title, found.detail)
        except Throttled as throttled:
            await problem.respond(
                self._asgi_send,
                429,
                "too many requests",
                str(throttled),
                throttled.standing.headers,
            )
        except Crowded as crowded:
            await problem.respond(self._asgi_send, 429, "too many requests", str(crowded))
        except Unavailable:
            await problem.respond(
                self._asgi_send, 503, "unavailable", "who you are cannot be checked now; try again"
            )
        finally:
            self._edge.door.leave(place)

    async def _come_in(self, arrival: Arrival) -> tuple[Identity, str | None, str | None]:
        """Who is asking, from which cursor on, and the place that they take; raises what `run` answers with a problem."""
        door = self._edge.door
        door.check(arrival)
        identity = await self._identify(arrival)
        if identity is None:
            raise NoToken(WHERE)
        self._watches = list(watches_of(arrival.query))
        self._device = msgspec.convert(arrival.first("device"), Id | None)
        door.knock(arrival, identity)
        return (
            identity,
            arrival.headers.get("last-event-id") or arrival.first("cursor"),
            door.enter(arrival),
        )

    async def _identify(self, arrival: Arrival) -> Identity | None:
        return await self._edge.door.identify(arrival)

    async def _speak(self, identity: Identity, cursor: str | None) -> None:
        await self._asgi_send({"type": "http.response.start", "status": 200, "headers": [*HEADERS]})
        await self._write(b"retry: %d\n\n" % RETRY_MILLISECONDS)
        try:
            await self._connection(identity).run(cursor, self._listen)
        except Gone:
            pass
        except Closed as closed:
            await self._end(closed)

    def _connection(self, identity: Identity) -> Connection:
        return Connection(self._edge, identity, self._send, self._device)

    async def _listen(self, connection: Connection) -> None:
        if self._watches:
            guest = Guest(self._edge.company, connection)
            for asked in self._watches:
                await guest.watch(asked)
        while True:
            message: Any = await self._receive()
            if message["type"] == "http.disconnect":
                raise Gone

    def _send(self, page: Page) -> Any:
        return self._asgi_send(page.chunk)

    async def _write(self, data: bytes, *, more: bool = True) -> None:
        await self._asgi_send({"type": "http.response.body", "body": data, "more_body": more})

    async def _end(self, closed: Closed) -> None:
        """End with the reason; a client that does not read has until it is stale to learn it."""
        page = wire.error(str(int(closed.code)), str(closed), retry=closed.code.comes_back)
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._edge.settings.stale_seconds):
                await self._write(page.chunk["body"], more=False)
