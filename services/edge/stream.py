"""Server-sent events at `/v1/stream` (WHATWG HTML, section 9.2), as a bare ASGI handler: the same frames, `id:` the cursor."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs

from litestar.types import Receive, Scope, Send

from services.edge.connection import Closed, Connection, cause
from services.edge.edge import Edge
from services.edge.wire import Page
from services.runtime import problem
from services.runtime.auth import Unauthorised, bearer

RETRY_MILLISECONDS = 2000
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class Gone(Exception):
    """The client has closed the connection."""


class Stream:
    """One event stream from its first byte to its end."""

    def __init__(self, edge: Edge, scope: Scope, receive: Receive, send: Send) -> None:
        self._edge = edge
        self._scope = scope
        self._receive = receive
        self._asgi_send = send

    async def run(self) -> None:
        """Authenticate, then speak until one side ends it."""
        headers = {name: value.decode("latin-1") for name, value in self._scope["headers"]}
        try:
            identity = self._edge.identify(bearer(headers.get(b"authorization")))
        except Unauthorised as refused:
            await problem.respond(self._asgi_send, refused.status, "unauthorised" if refused.status == 401 else "forbidden", str(refused))
            return
        query = parse_qs(self._scope["query_string"].decode("latin-1"))
        cursor = headers.get(b"last-event-id") or (query.get("cursor") or [None])[0]
        connection = Connection(self._edge, identity, self._send)
        await self._asgi_send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await self._write(b"retry: %d\n\n" % RETRY_MILLISECONDS)
        try:
            await self._run(connection, cursor)
        except* Gone:
            pass
        except* Closed as closed:
            await self._end(cause(closed))

    async def _run(self, connection: Connection, cursor: str | None) -> None:
        async with connection.limited() as feed, asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            await connection.speak(feed, cursor)

    async def _listen(self) -> None:
        while True:
            message: Any = await self._receive()
            if message["type"] == "http.disconnect":
                raise Gone

    async def _send(self, page: Page) -> None:
        await self._write(page.event(self._edge.log.epoch))

    async def _write(self, data: bytes) -> None:
        await self._asgi_send({"type": "http.response.body", "body": data, "more_body": True})

    async def _end(self, closed: BaseException) -> None:
        code = closed.code if isinstance(closed, Closed) else 0
        body = b'event: error\ndata: {"type":"error","code":"%d","message":"%b","retry":%b}\n\n'
        retry = b"true" if code < 4500 else b"false"
        await self._asgi_send({"type": "http.response.body", "body": body % (code, str(closed).encode(), retry), "more_body": False})
