"""Composition: what each service's process is made of; the one place that knows them all, and loads only those that run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tidings.runtime.install import install
from tidings.runtime.jetstream import connect
from tidings.runtime.process import Runtime, open_runtime, persist, settle
from tidings.runtime.settings import Settings

if TYPE_CHECKING:
    from tidings.edge.edge import Edge
    from tidings.runtime.access import Access
    from tidings.runtime.metrics import Gauge


def announce(what: str) -> None:
    """Say on standard output that a service is ready; whoever started it may wait for that line."""
    print(f"ready {what}", flush=True)


async def notifier(settings: Settings) -> None:
    """The notifier's process."""
    from tidings.notifier.notifier import notify

    async with open_runtime(settings, "notifier") as runtime:
        await notify(runtime, lambda: announce("notifier"))


async def projector(settings: Settings) -> None:
    """The projector's process."""
    from tidings.projector.projector import project

    async with open_runtime(settings, "projector") as runtime:
        await project(runtime, lambda: announce("projector"))


async def outbox(settings: Settings, dsn: str, tenant: str | None) -> None:
    """The process of an outbox's relay; it needs none of our own Postgres."""
    from tidings.outbox.relay import Relay

    async with connect(settings.nats, "tidings-outbox") as jetstream:
        await install(jetstream, settings)
        relay = Relay(jetstream, dsn, settings.partitions, tenant)
        await persist("outbox", lambda: relay.run(lambda: announce("outbox")))


async def web(settings: Settings, parts: Sequence[str]) -> None:
    """A process that serves the edge, the gateway, or both, on one port."""
    from tidings.edge import api
    from tidings.edge.dialects import routes
    from tidings.edge.edge import open_edge
    from tidings.gateway import gateway
    from tidings.runtime.access import Access
    from tidings.runtime.idempotency import Keys
    from tidings.runtime.idempotent import Idempotent
    from tidings.runtime.listener import bind
    from tidings.runtime.metrics import metrics
    from tidings.runtime.web import application, serve

    settings.check_access(tickets="edge" in parts)
    with bind(
        settings.host, settings.port, settings.stale_seconds, reuse=settings.reuse_port
    ) as listener:
        async with open_runtime(settings, "-".join(parts)) as runtime:
            access = Access(runtime)
            edge = await open_edge(runtime, access) if "edge" in parts else None
            handlers: list[Any] = [
                *((*api.handlers(edge), *routes.handlers(edge), *_pages(runtime)) if edge else ()),
                *(gateway.handlers(runtime, access) if "gateway" in parts else ()),
            ]
            handlers.append(metrics(_gauges(edge) if edge else ()))
            idempotent = Idempotent(Keys(runtime.postgres, settings), access.sender)
            app = application(handlers, lambda: _ready(runtime, edge), idempotent, settings.origins)
            async with _following(access, edge):
                settle()
                announce(f"http://{settings.host}:{listener.getsockname()[1]}")
                await serve(app, listener, edge.drain if edge else _nothing_open)


def _pages(runtime: Runtime) -> list[Any]:
    """What a browser loads and, in a demonstration, the stage."""
    from tidings.edge import assets, front

    if not runtime.settings.demo:
        return [*assets.handlers(), front.handler("stage/welcome.html")]
    from tidings.demo import api

    return [*assets.handlers(), front.handler("stage/index.html"), *api.handlers(runtime)]


@asynccontextmanager
async def _following(access: Access, edge: Edge | None) -> AsyncGenerator[None]:
    """Access, and an edge, that have caught up, and go on until what stands on them is done."""
    async with asyncio.TaskGroup() as group:
        following = [group.create_task(each.run()) for each in (access, edge) if each]
        await access.caught_up.wait()
        if edge:
            await edge.caught_up.wait()
        yield
        for task in following:
            task.cancel()


async def _nothing_open() -> None:
    """A gateway's requests end by themselves."""


def _gauges(edge: Edge) -> tuple[Gauge, ...]:
    from tidings.runtime.metrics import Gauge

    return (
        Gauge(
            "tidings_connections", "Connections of clients, of every kind.", lambda: edge.feeds.tabs
        ),
        Gauge(
            "tidings_watches",
            "Relations and lists of users whose presence is watched.",
            lambda: edge.company.watches.circles,
        ),
        Gauge(
            "tidings_signals_dropped",
            "Signals that came faster than they could be passed on.",
            lambda: edge.company.signals.dropped,
        ),
    )


def _ready(runtime: Runtime, edge: Edge | None) -> bool:
    return runtime.jetstream.connected and (edge is None or edge.caught_up.is_set())
