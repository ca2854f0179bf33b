"""Direct routes: connections that go to their handler without the layers of the framework."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from tidings.runtime.http import problem
from tidings.runtime.http.cors import cors_config, cors_headers
from tidings.runtime.http.failures import failure_problem
from tidings.runtime.http.private_answers import with_cache_control

FAILED_CODE, FAILED_REASON = 4500, "Internal Server Error"
"""What the framework closes a WebSocket with whose handler fails."""
PLAIN_HOST = re.compile(rb"[\w.:\[\]-]*")
"""The framework decides on other ones, and refuses those that are malformed."""

log = logging.getLogger("tidings.web")


class DirectRoutes:
    """Wraps an application; its bare ASGI handlers, of WebSockets and streams, are called directly.

    The layers of the framework are for requests. They cost a handshake more than its checks do, and
    a connection more memory than all else that it holds while it is idle. What limits strangers and
    hosts stands before this; preflights and all other requests are passed on. Answers have the same
    headers as those of the framework.
    """

    def __init__(self, app: ASGIApp, handlers: Iterable[Any], origins: Sequence[str]) -> None:
        self._app = app
        self._routes: dict[str, ASGIApp] = {
            path: handler.fn
            for handler in handlers
            if isinstance(handler, ASGIRouteHandler)
            for path in handler.paths
        }
        self._cors = cors_config(origins)

    # This is no coroutine function, whose frame would live as long as a connection.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve a connection at the exact path of one of the handlers, or pass the request on."""
        route = self._route_of(scope)
        if route is None:
            return self._app(scope, receive, send)
        if scope["type"] == "http":
            send = AnswerHeaders(send, self._cors_headers_for(scope))
        return _serve(route, scope, receive, send)

    def _route_of(self, scope: Any) -> ASGIApp | None:
        route = self._routes.get(scope["path"])
        if route is None or scope.get("method") == "OPTIONS":
            return None
        return route if PLAIN_HOST.fullmatch(_header(scope, b"host")) else None

    def _cors_headers_for(self, scope: Any) -> Sequence[tuple[bytes, bytes]]:
        origin = _header(scope, b"origin") if self._cors else b""
        return cors_headers(self._cors, origin.decode("latin-1")) if self._cors and origin else ()


class AnswerHeaders:
    """Adds headers to the start of one answer, and forbids caches to keep it."""

    __slots__ = ("_headers", "_send")

    def __init__(self, send: Send, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers

    def __call__(self, message: Message) -> Awaitable[None]:
        """Send a message of the answer."""
        if message["type"] == "http.response.start":
            message["headers"] = [*with_cache_control(message["headers"]), *self._headers]
        return self._send(message)


async def _serve(route: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a connection; answer one whose handler fails as the framework does."""
    try:
        await route(scope, receive, send)
    except Exception as error:
        with suppress(OSError, RuntimeError):  # the client has left, or the answer has begun
            await _answer_failure(scope, send, error)


async def _answer_failure(scope: Scope, send: Send, error: Exception) -> None:
    if scope["type"] == "http":
        failure = failure_problem(error)
        await problem.send_problem(send, failure.status, failure.title, failure.detail)
    else:
        log.error("a WebSocket failed", exc_info=error)
        await send({"type": "websocket.close", "code": FAILED_CODE, "reason": FAILED_REASON})


def _header(scope: Any, name: bytes) -> bytes:
    """Return the first value of a header, empty without one."""
    return next((value for each, value in scope["headers"] if each == name), b"")
