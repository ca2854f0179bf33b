"""Composition: what each service's process is made of; the one place that knows them all, and loads only those that run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from services.runtime.process import Runtime, open_runtime
from services.runtime.settings import Settings

if TYPE_CHECKING:
    from services.edge.edge import Edge
    from services.runtime.auth import Identity
    from services.runtime.metrics import Gauge


def announce(what: str) -> None:
    """Say on standard output that a service is ready; whoever started it may wait for that line."""
    print(f"ready {what}", flush=True)


async def notifier(settings: Settings) -> None:
    """The notifier's process."""
    from services.notifier.notifier import notify

    async with open_runtime(settings, "notifier") as runtime:
        await notify(runtime, lambda: announce("notifier"))


async def projector(settings: Settings) -> None:
    """The projector's process."""
    from services.projector.projector import project

    async with open_runtime(settings, "projector") as runtime:
        await project(runtime, lambda: announce("projector"))


async def web(settings: Settings, parts: Sequence[str]) -> None:
    """A process that serves the edge, the gateway, or both, on one port."""
    from services.edge import api
    from services.edge.edge import open_edge
    from services.gateway import gateway
    from services.runtime.auth import bearer
    from services.runtime.idempotency import Keys
    from services.runtime.idempotent import Connection, Idempotent
    from services.runtime.metrics import metrics
    from services.runtime.tokens import authenticate
    from services.runtime.web import application, bind, serve

    def identify(connection: Connection) -> Identity:
        return authenticate(bearer(connection.headers.get("authorization")), settings.secret)

    settings.secret  # noqa: B018  a missing secret is an error now, not at the first request
    with bind(settings.host, settings.port, settings.stale_seconds) as listener:
        async with open_runtime(settings, "-".join(parts)) as runtime:
            edge = await open_edge(runtime) if "edge" in parts else None
            handlers: list[Any] = [*(api.handlers(edge) if edge else ()), *(gateway.handlers(runtime) if "gateway" in parts else ())]
            handlers.append(metrics(_gauges(edge) if edge else ()))
            idempotent = Idempotent(Keys(runtime.postgres, settings), identify)
            app = application(handlers, lambda: _ready(runtime, edge), idempotent)
            async with _following(edge):
                announce(f"http://{settings.host}:{listener.getsockname()[1]}")
                await serve(app, listener, edge.drain if edge else _nothing_open)


@asynccontextmanager
async def _following(edge: Edge | None) -> AsyncGenerator[None]:
    """An edge that has caught up, and goes on until what stands on it is done."""
    if edge is None:
        yield
        return
    async with asyncio.TaskGroup() as group:
        following = group.create_task(edge.run())
        await edge.caught_up.wait()
        yield
        following.cancel()


async def _nothing_open() -> None:
    """A gateway's requests end by themselves."""


def _gauges(edge: Edge) -> tuple[Gauge, ...]:
    from services.runtime.metrics import Gauge

    return (
        Gauge("tidings_connections", "Connections of clients, of every kind.", lambda: edge.feeds.tabs),
        Gauge("tidings_watches", "Relations and lists of users whose presence is watched.", lambda: edge.company.watches.circles),
        Gauge("tidings_signals_dropped", "Signals that came faster than they could be passed on.", lambda: edge.company.signals.dropped),
    )


def _ready(runtime: Runtime, edge: Edge | None) -> bool:
    return runtime.jetstream.connected and (edge is None or edge.caught_up.is_set())
