"""The metrics of HTTP requests, by the template of their route."""

from __future__ import annotations

import time
from typing import Any

from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Histogram

REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class HttpMetrics:
    """The time of requests by route, and their answers by class of status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.request_seconds = Histogram(
            "tidings_http_request_seconds",
            "Time of requests, without connections.",
            ("method", "route"),
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self.responses = Counter(
            "tidings_http_responses",
            "Answers to requests, by class of status.",
            ("status",),
            registry=registry,
        )


class RequestMeter(ASGIMiddleware):
    """Measures requests that a route answers; connections have metrics of their own."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, metrics: HttpMetrics) -> None:
        self._metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on, and record how long it took."""
        request: Any = scope
        if not isinstance(request["route_handler"], HTTPRouteHandler):
            await next_app(scope, receive, send)
            return
        began_at, metrics = time.perf_counter(), self._metrics

        async def send_measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                metrics.responses.labels(f"{message['status'] // 100}xx").inc()
            await send(message)

        try:
            await next_app(scope, receive, send_measured)
        finally:
            seconds = time.perf_counter() - began_at
            route = request["method"], request["path_template"]
            metrics.request_seconds.labels(*route).observe(seconds)
