"""The server of `/metrics` and `/health` on a port of its own, without a web framework."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from tidings.client.addresses import http_url
from tidings.contracts.http_bodies.results import Health
from tidings.runtime.http.connections.peers import peers_of
from tidings.runtime.http.listener import ListenerNames, bind_listener
from tidings.runtime.http.server import HttpServer, server_config
from tidings.runtime.metrics.metrics import CONTENT_TYPE, Metrics
from tidings.runtime.settings import Settings

JSON = "application/json"
STOP_TIMEOUT_SECONDS = 2

log = logging.getLogger("tidings.metrics")

Answer = tuple[int, str, bytes]


class MetricsApplication:
    """An ASGI application that answers `/metrics`, `/health/live` and `/health/ready`."""

    def __init__(self, metrics: Metrics, problems: Callable[[], Sequence[str]]) -> None:
        self._metrics = metrics
        self._problems = problems

    async def __call__(self, scope: Any, _: Any, send: Any) -> None:
        """Answer one request; refuse a WebSocket."""
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        status, media_type, body = await self._answer(scope["method"], scope["path"])
        headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )

    async def _answer(self, method: str, path: str) -> Answer:
        if method not in ("GET", "HEAD"):
            return _problem(405, "method not allowed", "use GET")
        match path:
            case "/metrics":
                return 200, CONTENT_TYPE, await self._metrics.exposition()
            case "/health/live":
                return _health("live")
            case "/health/ready" if problems := self._problems():
                return _problem(503, "not ready", "; ".join(problems))
            case "/health/ready":
                return _health("ready")
            case _:
                return _problem(404, "not found", "here are /metrics, /health/live, /health/ready")


@asynccontextmanager
async def serve_metrics(
    settings: Settings, metrics: Metrics, problems: Callable[[], Sequence[str]]
) -> AsyncGenerator[None]:
    """Serve the metrics on `metrics_port` inside the block; raises InvalidSettings."""
    assert settings.metrics_port is not None
    with _bind(settings) as listener:
        config = server_config(
            MetricsApplication(metrics, problems),
            peers_of(settings, metrics),
            interface="asgi3",
            timeout_graceful_shutdown=STOP_TIMEOUT_SECONDS,
        )
        server = HttpServer(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        log.info(
            "metrics are served at %s/metrics",
            http_url(settings.host, listener.getsockname()[1]),
        )
        try:
            yield
        finally:
            server.should_exit = True
            await serving


def _bind(settings: Settings) -> Any:
    return bind_listener(
        settings.host,
        settings.metrics_port or 0,
        settings.idle_peer_timeout_seconds,
        names=ListenerNames(port="TIDINGS_METRICS_PORT"),
    )


def _health(status: Any) -> Answer:
    return 200, JSON, msgspec.json.encode(Health(status=status))


def _problem(status: int, title: str, detail: str) -> Answer:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return status, "application/problem+json", msgspec.json.encode(body)
