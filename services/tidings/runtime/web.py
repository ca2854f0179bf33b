"""Serving: a Litestar application on uvicorn that stops when it is told to, with streams open too."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, Router, get
from litestar.config.cors import CORSConfig
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from tidings.contracts.asyncapi import EDGE, document
from tidings.contracts.http import Health
from tidings.runtime import problem
from tidings.runtime.access import RATE
from tidings.runtime.auth import Unauthorised
from tidings.runtime.errors import TidingsError, Transient
from tidings.runtime.openapi import ASYNCAPI, Contract, Operation, says
from tidings.runtime.problem import Problem
from tidings.runtime.rate import Throttled
from tidings.runtime.websocket import WebSocketProtocol

STOP_SECONDS = 5

log = logging.getLogger("tidings.web")


class Server(uvicorn.Server):
    """A uvicorn server whose signals are handled by the process it runs in."""

    def stop_listening(self) -> None:
        """Take no more connections; those that are open stay."""
        for each in self.servers:
            each.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield


class Rated(ASGIMiddleware):
    """Says in every answer what is left of the sender's rate, if there is one; a stream says it itself, once."""

    scopes = (ScopeType.HTTP,)
    exclude_path_pattern = r"^/(?:v1|notifications)/stream$"

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Add the headers where an answer begins."""
        state: Any = scope["state"]

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and (standing := state.get(RATE)):
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in standing.headers.items()
                    ),
                ]
            await send(message)

        await next_app(scope, receive, told)


def application(
    handlers: Sequence[Any],
    ready: Callable[[], bool],
    idempotent: Callable[[ASGIApp], ASGIApp],
    origins: Sequence[str] = (),
) -> Litestar:
    """An application of these route handlers, every POST of them idempotent, beside what every process tells of itself.

    Pages of these origins may send requests and read the answers (CORS, as WHATWG Fetch has it), with their cookies.
    """
    posts = [
        handler
        for handler in handlers
        if isinstance(handler, HTTPRouteHandler) and "POST" in handler.http_methods
    ]
    others = [handler for handler in handlers if handler not in posts]

    @get("/health/live", sync_to_thread=False, opt=says(Operation(Health)))
    def live() -> Response[bytes]:
        """Whether the process answers."""
        return json(Health(status="live"))

    @get("/health/ready", sync_to_thread=False, opt=says(Operation(Health, problems=[503])))
    def is_ready() -> Response[bytes]:
        """Whether requests should be sent here."""
        return (
            json(Health(status="ready"))
            if ready()
            else respond(503, "starting", "not yet; ask again in a moment")
        )

    @get(ASYNCAPI, sync_to_thread=False, opt=says(Operation(dict[str, Any])))
    def asyncapi(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The AsyncAPI document of the WebSocket, the event stream and the subjects of NATS."""
        return json(document(request.headers.get("host") or EDGE))

    def once(app: ASGIApp) -> ASGIApp:
        """A router copies what it is given, but not a function."""
        return idempotent(app)

    own = [live, is_ready, asyncapi]
    return Litestar(
        route_handlers=[Router("/", route_handlers=posts, middleware=[once]), *others, *own],
        exception_handlers={
            Problem: _problem,
            Unauthorised: _unauthorised,
            Throttled: _throttled,
            Transient: _unavailable,
            HTTPException: _http,
            Exception: _unexpected,
        },
        openapi_config=Contract([*handlers, *own]),
        logging_config=None,
        middleware=[Rated()],
        cors_config=_cors(origins) if origins else None,
    )


def _cors(origins: Sequence[str]) -> CORSConfig:
    return CORSConfig(
        allow_origins=[*origins],
        allow_credentials=True,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Last-Event-ID",
            "Idempotency-Key",
            "If-None-Match",
        ],
        expose_headers=[
            "ETag",
            "Retry-After",
            "RateLimit",
            "RateLimit-Policy",
            "Idempotent-Replayed",
        ],
    )


async def serve(
    app: Litestar, listener: socket.socket, drain: Callable[[], Awaitable[None]]
) -> None:
    """Serve until cancelled, then let open connections end (`drain`) and stop."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws=WebSocketProtocol,
        ws_per_message_deflate=False,
        ws_max_size=128 * 1024,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    finally:
        server.stop_listening()
        await drain()
        server.should_exit = True
        await serving


def _problem(_: Request[Any, Any, Any], found: Problem) -> Response[bytes]:
    answer = respond(found.status, found.title, found.detail, **found.more)
    answer.headers.update(found.headers)
    return answer


def _unauthorised(_: Request[Any, Any, Any], error: Unauthorised) -> Response[bytes]:
    return respond(error.status, "unauthorised" if error.status == 401 else "forbidden", str(error))


def _throttled(_: Request[Any, Any, Any], error: Throttled) -> Response[bytes]:
    return Response(
        problem.body(429, "too many requests", str(error)),
        status_code=429,
        media_type=problem.MEDIA_TYPE,
    )


def _unavailable(_: Request[Any, Any, Any], error: TidingsError) -> Response[bytes]:
    log.warning("%s", error)
    return respond(503, "unavailable", "the service cannot do this now; nothing is lost, try again")


def _http(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    extra: Any = error.extra
    title = "bad request" if error.status_code == 400 else "error"
    errors = (
        [_asked(each) for each in extra or ()] if isinstance(error, ValidationException) else extra
    )
    answer = respond(
        error.status_code, title, error.detail, **({"errors": errors} if errors else {})
    )
    answer.headers.update(error.headers or {})
    return answer


def _asked(fault: dict[str, Any]) -> dict[str, Any]:
    """A fault by its parameter's name as it was sent; ours ends in `_` where the name is taken."""
    return {**fault, "key": str(fault["key"]).rstrip("_")} if "key" in fault else fault


def _unexpected(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("a request failed", exc_info=error)
    return respond(500, "error", "something went wrong here; it has been logged")


def respond(status: int, title: str, detail: str, **more: Any) -> Response[bytes]:
    """Answer a request with a problem."""
    return Response(
        problem.body(status, title, detail, **more),
        status_code=status,
        media_type=problem.MEDIA_TYPE,
        headers=problem.headers(status),
    )


def json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Answer a request with JSON."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(content, status_code=status, media_type="application/json", headers=headers)
