"""Composition: makes each service's process of its parts, and loads only what runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tidings.client.jetstream import connect
from tidings.runtime.log.install import install_streams
from tidings.runtime.process import Runtime, open_runtime, run_forever, tune_gc
from tidings.runtime.settings import Settings

if TYPE_CHECKING:
    from tidings.edge.edge import Edge
    from tidings.runtime.auth.access import Access
    from tidings.runtime.http.metrics import Gauge


def print_ready(what: str) -> None:
    """Print that a service is ready; the process that started it waits for that line."""
    print(f"ready {what}", flush=True)


async def notifier_process(settings: Settings) -> None:
    """Run the notifier's process."""
    from tidings.notifier.notifier import run_notifier

    async with open_runtime(settings, "notifier") as runtime:
        await run_notifier(runtime, lambda: print_ready("notifier"))


async def projector_process(settings: Settings) -> None:
    """Run the projector's process."""
    from tidings.projector.projector import run_projector

    async with open_runtime(settings, "projector") as runtime:
        await run_projector(runtime, lambda: print_ready("projector"))


async def outbox_process(settings: Settings, dsn: str, tenant: str | None) -> None:
    """Run an outbox's relay; it does not need Tidings' own Postgres."""
    from tidings.outbox.relay import Relay

    async with connect(settings.nats, "tidings-outbox") as jetstream:
        await install_streams(jetstream, settings)
        relay = Relay(jetstream, dsn, settings.subjects, tenant)
        await run_forever("outbox", lambda: relay.run(lambda: print_ready("outbox")))


async def web_process(settings: Settings, parts: Sequence[str]) -> None:
    """Serve the edge, the gateway, or both, on one port."""
    from tidings.edge.dialects import routes as dialect_routes
    from tidings.edge.edge import open_edge
    from tidings.edge.http import routes
    from tidings.gateway import gateway
    from tidings.runtime.auth.access import Access
    from tidings.runtime.http.idempotency.middleware import IdempotencyMiddleware
    from tidings.runtime.http.idempotency.store import IdempotencyKeys
    from tidings.runtime.http.listener import bind_listener
    from tidings.runtime.http.metrics import metrics_route
    from tidings.runtime.http.web import create_application, serve_application

    settings.check_access(tickets="edge" in parts)
    with bind_listener(
        settings.host,
        settings.port,
        settings.idle_peer_timeout_seconds,
        reuse_port=settings.reuse_port,
    ) as listener:
        async with open_runtime(settings, "-".join(parts)) as runtime:
            access = Access(runtime)
            edge = await open_edge(runtime, access) if "edge" in parts else None
            handlers: list[Any] = [
                *(
                    (
                        *routes.handlers(edge),
                        *dialect_routes.handlers(edge),
                        *_page_handlers(runtime),
                    )
                    if edge
                    else ()
                ),
                *(gateway.handlers(runtime, access) if "gateway" in parts else ()),
            ]
            handlers.append(metrics_route(_gauges(edge) if edge else ()))
            idempotent = IdempotencyMiddleware(
                IdempotencyKeys(runtime.postgres, settings), access.identify_sender
            )
            app = create_application(
                handlers, lambda: _ready(runtime, edge), idempotent, settings.origins
            )
            async with _run_followers(access, edge):
                tune_gc()
                print_ready(f"http://{settings.host}:{listener.getsockname()[1]}")
                await serve_application(app, listener, edge.drain.run if edge else _drain_nothing)


def _page_handlers(runtime: Runtime) -> list[Any]:
    """Return the handlers of static files and, in a demonstration, of its page."""
    from tidings.edge.http import assets, index_page

    if not runtime.settings.demo:
        return [*assets.handlers(), index_page.handler("demo/welcome.html")]
    from tidings.demo import api

    return [*assets.handlers(), index_page.handler("demo/index.html"), *api.handlers(runtime)]


@asynccontextmanager
async def _run_followers(access: Access, edge: Edge | None) -> AsyncGenerator[None]:
    """Run the loops of access and edge; yields once they have caught up, ends them at exit."""
    async with asyncio.TaskGroup() as group:
        following = [group.create_task(each.run()) for each in (access, edge) if each]
        await access.caught_up.wait()
        if edge:
            await edge.follow_loop.caught_up.wait()
        yield
        for task in following:
            task.cancel()


async def _drain_nothing() -> None:
    """Do nothing before exit: a gateway's requests end by themselves."""


def _gauges(edge: Edge) -> tuple[Gauge, ...]:
    from tidings.runtime.http.metrics import Gauge

    return (
        Gauge(
            "tidings_connections",
            "Connections of clients, of every kind.",
            lambda: edge.hub.subscriber_count,
        ),
        Gauge(
            "tidings_watches",
            "Relations and lists of users whose presence is watched.",
            lambda: edge.presence.watches.group_count,
        ),
        Gauge(
            "tidings_signals_dropped",
            "Signals that came faster than they could be passed on.",
            lambda: edge.presence.signals.dropped,
        ),
    )


def _ready(runtime: Runtime, edge: Edge | None) -> bool:
    return runtime.jetstream.connected and (edge is None or edge.follow_loop.caught_up.is_set())
