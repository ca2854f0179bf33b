"""A server with bounded connections and a small application, in the process of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tidings.runtime.http.connections.bounds import ConnectionBounds
from tidings.runtime.http.connections.client_connection import ClientConnection, connection_of
from tidings.runtime.http.connections.peers import PeerLimits, PeerMetrics, Peers
from tidings.runtime.http.connections.strangers import Strangers
from tidings.runtime.http.listener import bind_listener
from tidings.runtime.http.server import HttpServer, server_config
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode

from tests.acceptance.attacker import Target
from tests.waiting import wait_until

LARGE_BODY = b"x" * 8_000_000
PREPARED_TEXT = "é" * 20_000
PREPARED_FRAME = WebSocketFrame(Opcode.TEXT, PREPARED_TEXT.encode()).serialize(mask=False)
PREPARED_CHUNK = b"%x\r\n%b\r\n" % (50_000, b"y" * 50_000)


class ConnectionServer(NamedTuple):
    """A running server: where it listens, what it counted, and the paths that were asked for."""

    target: Target
    metrics: PeerMetrics
    paths: list[str]


@asynccontextmanager
async def serve_connections(
    limits: PeerLimits = PeerLimits(),  # noqa: B008  it is immutable
    strangers: Strangers | None = None,
    **bounds: Any,
) -> AsyncGenerator[ConnectionServer]:
    """Serve while the block lasts.

    `/body` answers with the length of the body, `/large` with `LARGE_BODY`, `/wait` never,
    `/prepared` with prepared chunks. A WebSocket is accepted, is authenticated at `/known`, and
    echoes text; `prepared` is answered with prepared frames until one is not taken, and with their
    number, and after `bye` no frame is taken.
    """
    metrics, paths = PeerMetrics(), list[str]()
    with bind_listener("127.0.0.1", 0, 60) as listener:
        config = server_config(
            _application(paths),
            Peers(metrics, limits, ConnectionBounds()._replace(**bounds), strangers),
            interface="asgi3",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        server = HttpServer(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))

        async def has_started() -> bool:
            return server.started

        await wait_until(has_started)
        try:
            yield ConnectionServer(Target("127.0.0.1", listener.getsockname()[1]), metrics, paths)
        finally:
            server.should_exit = True
            await serving


def _application(paths: list[str]) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope["path"])
        if scope["type"] == "websocket":
            await _echo(scope, receive, send)
        else:
            answer = _answer_prepared if scope["path"] == "/prepared" else _answer
            await answer(scope, receive, send)

    return application


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    connection = connection_of(scope)
    assert connection
    if scope["path"] == "/known":
        connection.set_authenticated()
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "bye":
            await send({"type": "websocket.close", "code": 1000})
            assert not connection.write_prepared(PREPARED_FRAME)
            return
        if message.get("text") == "prepared":
            count = write_while_taken(connection, PREPARED_FRAME)
            await send({"type": "websocket.send", "text": str(count)})
            continue
        await send({"type": "websocket.send", "text": message.get("text") or ""})


def write_while_taken(connection: ClientConnection, data: bytes) -> int:
    """Write bytes again and again until they are not taken; return how often they were."""
    count = 0
    while connection.write_prepared(data):
        count += 1
    return count


async def _answer_prepared(scope: Any, _: Any, send: Any) -> None:
    connection = connection_of(scope)
    assert connection and not connection.write_prepared(PREPARED_CHUNK)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    count = write_while_taken(connection, PREPARED_CHUNK)
    await send({"type": "http.response.body", "body": b"%d" % count})
    assert not connection.write_prepared(PREPARED_CHUNK)


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    path, length = scope["path"], 0
    while path == "/body":
        message = await receive()
        length += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    if path == "/wait":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    body = LARGE_BODY if path == "/large" else str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
