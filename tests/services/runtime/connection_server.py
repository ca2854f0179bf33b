"""A server with bounded connections and a small application, in the process of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tidings.runtime.http.connections.bounds import ConnectionBounds
from tidings.runtime.http.connections.client_connection import connection_of
from tidings.runtime.http.connections.peers import PeerLimits, PeerMetrics, Peers
from tidings.runtime.http.connections.strangers import Strangers
from tidings.runtime.http.listener import bind_listener
from tidings.runtime.http.server import HttpServer, server_config

from tests.acceptance.attacker import Target
from tests.waiting import wait_until

LARGE_BODY = b"x" * 8_000_000


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

    `/body` answers with the length of the body, `/large` with `LARGE_BODY`, `/wait` never; a
    WebSocket is accepted, is authenticated at `/known`, and echoes text.
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
            await _answer(scope["path"], receive, send)

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
            return
        await send({"type": "websocket.send", "text": message.get("text") or ""})


async def _answer(path: str, receive: Any, send: Any) -> None:
    length = 0
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
