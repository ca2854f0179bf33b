"""Web: serve a Litestar application on uvicorn, and stop it while streams are open."""

from __future__ import annotations

import asyncio
import copy
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.enums import HttpMethod, ScopeType
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from tidings.contracts.http_bodies.results import Health
from tidings.runtime.auth.access import RATE_STATUS
from tidings.runtime.auth.identity import Unauthorised
from tidings.runtime.http import problem
from tidings.runtime.http.connections.peers import Peers
from tidings.runtime.http.cors import cors_config
from tidings.runtime.http.documents import document_handlers
from tidings.runtime.http.failures import failure_problem
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.options import options_handlers
from tidings.runtime.http.private_answers import PrivateAnswers
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.rate import RateExceeded
from tidings.runtime.http.request_metrics import HttpMetrics, RequestMeter
from tidings.runtime.http.server import HttpServer, server_config
from tidings.runtime.http.stranger_limit import record_refusal

STOP_TIMEOUT_SECONDS = 5


class RateLimitHeaders(ASGIMiddleware):
    """Adds the sender's rate status to every answer."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Add the headers to the start of the answer."""
        state: Any = scope["state"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and (rate_status := state.get(RATE_STATUS)):
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in rate_status.headers.items()
                    ),
                ]
            await send(message)

        await next_app(scope, receive, send_with_headers)


def create_application(
    handlers: Sequence[Any],
    problems: Callable[[], Sequence[str]],
    idempotent: Callable[[ASGIApp], ASGIApp],
    origins: Sequence[str] = (),
    metrics: HttpMetrics | None = None,
) -> Litestar:
    """Return an application of these handlers and those of every process; all POSTs are idempotent.

    Pages of these origins may send requests with cookies and read the answers (CORS).
    """
    posts = [
        handler
        for handler in handlers
        if isinstance(handler, HTTPRouteHandler) and "POST" in handler.http_methods
    ]
    others = [handler for handler in handlers if handler not in posts]

    @get("/health/live", sync_to_thread=False, opt=operation_opt(Operation(Health)))
    def live() -> Response[bytes]:
        """Report whether the process answers."""
        return json_response(Health(status="live"))

    @get(
        "/health/ready", sync_to_thread=False, opt=operation_opt(Operation(Health, problems=[503]))
    )
    def is_ready() -> Response[bytes]:
        """Report whether requests should be sent here."""
        return (
            problem_response(503, "not ready", "; ".join(found))
            if (found := problems())
            else json_response(Health(status="ready"))
        )

    def idempotent_middleware(app: ASGIApp) -> ASGIApp:
        """Wrap the middleware in a function, which a Router does not deep-copy."""
        return idempotent(app)

    own_handlers = [live, is_ready]
    return Litestar(
        route_handlers=[
            Router(
                "/",
                route_handlers=[*options_handlers(handlers), *posts],
                middleware=[idempotent_middleware],
            ),
            *map(
                _with_head,
                [*others, *own_handlers, *document_handlers([*handlers, *own_handlers])],
            ),
        ],
        exception_handlers={
            Problem: _on_problem,
            Unauthorised: _on_unauthorised,
            RateExceeded: _on_rate_exceeded,
            HTTPException: _on_http_exception,
            Exception: _on_failure,
        },
        openapi_config=None,
        logging_config=None,
        middleware=[
            *([RequestMeter(metrics)] if metrics else []),
            RateLimitHeaders(),
            PrivateAnswers(),
        ],
        cors_config=cors_config(origins),
    )


def _with_head(handler: Any) -> Any:
    """Return a handler that answers HEAD wherever it answers GET (RFC 9110, section 9.1)."""
    if not isinstance(handler, HTTPRouteHandler) or "GET" not in handler.http_methods:
        return handler
    answering = copy.copy(handler)
    methods: set[Any] = {*handler.http_methods, HttpMethod.HEAD}
    answering.http_methods = methods
    return answering


async def serve_application(
    app: ASGIApp, listener: socket.socket, peers: Peers, drain: Callable[[], Awaitable[None]]
) -> None:
    """Serve until cancelled, then `drain` the open connections and stop."""
    config = server_config(
        app,
        peers,
        interface="asgi3",
        ws_per_message_deflate=False,
        ws_max_size=128 * 1024,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        timeout_graceful_shutdown=STOP_TIMEOUT_SECONDS,
    )
    server = HttpServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    finally:
        server.stop_listening()
        await drain()
        server.should_exit = True
        await serving


def _on_problem(_: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    answer = problem_response(problem.status, problem.title, problem.detail, **problem.more)
    answer.headers.update(problem.headers)
    return answer


def _on_unauthorised(request: Request[Any, Any, Any], error: Unauthorised) -> Response[bytes]:
    record_refusal(request.scope, error)
    return problem_response(
        error.status, "unauthorised" if error.status == 401 else "forbidden", str(error)
    )


def _on_rate_exceeded(_: Request[Any, Any, Any], error: RateExceeded) -> Response[bytes]:
    return rate_response(error)


def rate_response(error: RateExceeded, **more: Any) -> Response[bytes]:
    """Answer a request that exceeds a rate; RateLimitHeaders adds its headers."""
    return Response(
        problem.problem_body(
            429,
            "too many requests",
            str(error),
            retry_after_seconds=error.status.retry_after_seconds,
            **more,
        ),
        status_code=429,
        media_type=problem.PROBLEM_MEDIA_TYPE,
    )


def _on_http_exception(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    extra: Any = error.extra
    title = "bad request" if error.status_code == 400 else "error"
    errors = (
        [_with_sent_name(fault) for fault in extra or ()]
        if isinstance(error, ValidationException)
        else extra
    )
    answer = problem_response(
        error.status_code, title, error.detail, **({"errors": errors} if errors else {})
    )
    answer.headers.update(error.headers or {})
    return answer


def _with_sent_name(fault: dict[str, Any]) -> dict[str, Any]:
    """Return a fault with the parameter's name on the wire; ours may end in `_` (`type_`)."""
    return {**fault, "key": str(fault["key"]).rstrip("_")} if "key" in fault else fault


def _on_failure(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return _on_problem(request, failure_problem(error))


def problem_response(status: int, title: str, detail: str, **more: Any) -> Response[bytes]:
    """Answer a request with a problem."""
    return Response(
        problem.problem_body(status, title, detail, **more),
        status_code=status,
        media_type=problem.PROBLEM_MEDIA_TYPE,
        headers=problem.problem_headers(status),
    )


def json_response(
    body: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response[bytes]:
    """Answer a request with JSON."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(content, status_code=status, media_type="application/json", headers=headers)
