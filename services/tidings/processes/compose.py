"""Composition: makes each service's process of its parts, and loads only what runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from tidings.client.addresses import http_url
from tidings.client.jetstream import connect
from tidings.processes.readiness import Readiness
from tidings.projections import AUDIENCE, DELIVERIES, INBOX, PREFERENCES, PROJECTIONS
from tidings.projections.projection import Projection
from tidings.runtime.health import Probe
from tidings.runtime.log.install import install_streams
from tidings.runtime.metrics.metrics import Metrics
from tidings.runtime.process import Runtime, open_runtime, run_forever, tune_gc
from tidings.runtime.readmodels.probe import read_models_probe
from tidings.runtime.settings import Settings

if TYPE_CHECKING:
    from tidings.edge.edge import Edge
    from tidings.runtime.auth.access import Access

PROJECTED = tuple(each for each in PROJECTIONS if each != AUDIENCE)
"""The read models that the projector writes; the notifier writes the audience itself."""


async def notifier_process(settings: Settings) -> None:
    """Run the notifier's process."""
    from tidings.notifier.notifier import run_notifier

    async with open_runtime(settings, "notifier") as runtime:
        ready = Readiness("notifier", runtime.jetstream, _probes(runtime, (AUDIENCE,)))
        async with ready.watch(settings, runtime.metrics):
            await run_notifier(runtime, ready.report)


async def projector_process(settings: Settings) -> None:
    """Run the projector's process; it publishes scheduled announcements, too.

    Those need no channel, so that they are published in every installation.
    """
    from tidings.channels.schedules.publisher import run_schedules
    from tidings.projector.projector import run_projector

    async with open_runtime(settings, "projector") as runtime:
        ready = Readiness("projector", runtime.jetstream, _probes(runtime, PROJECTED))
        async with ready.watch(settings, runtime.metrics), asyncio.TaskGroup() as group:
            group.create_task(run_schedules(runtime))
            await run_projector(runtime, ready.report)


async def channels_process(settings: Settings) -> None:
    """Run the process of the channels; without one that is configured, it does nothing."""
    from tidings.channels.channels import run_channels
    from tidings.channels.lanes import open_lanes

    async with open_lanes(settings) as lanes, open_runtime(settings, "channels") as runtime:
        read_models = (INBOX, DELIVERIES, PREFERENCES)
        ready = Readiness("channels", runtime.jetstream, _probes(runtime, read_models))
        async with ready.watch(settings, runtime.metrics):
            await run_channels(runtime, lanes, ready.report)


async def outbox_process(settings: Settings, dsn: str, tenant: str | None) -> None:
    """Run an outbox's relay; it does not need Tidings' own Postgres."""
    from tidings.outbox.outbox_metrics import OutboxMetrics
    from tidings.outbox.relay import Relay

    metrics = Metrics()
    async with connect(settings.nats, "tidings-outbox") as jetstream:
        await install_streams(jetstream, settings, "keep")  # a relay knows a service's settings
        outbox = metrics.part(OutboxMetrics)
        metrics.add_refresh(lambda: outbox.read_counts(dsn))
        relay = Relay(jetstream, dsn, settings.subjects, tenant, outbox, settings.linkable_hosts)
        ready = Readiness("outbox", jetstream, {})
        async with ready.watch(settings, metrics):
            await run_forever("outbox", lambda: relay.run(ready.report))


async def web_process(settings: Settings, parts: Sequence[str]) -> None:
    """Serve the edge, the gateway, or both, on one port."""
    from tidings.channels.http import routes as channel_routes
    from tidings.edge.dialects import routes as dialect_routes
    from tidings.edge.edge import open_edge
    from tidings.edge.http import routes
    from tidings.edge.monitoring.edge_gauges import register_gauges
    from tidings.gateway import gateway
    from tidings.runtime.auth.access import Access
    from tidings.runtime.http.allowed_hosts import AllowedHosts
    from tidings.runtime.http.connections.peers import peers_of
    from tidings.runtime.http.direct_routes import DirectRoutes
    from tidings.runtime.http.idempotency.middleware import IdempotencyMiddleware
    from tidings.runtime.http.idempotency.store import IdempotencyKeys
    from tidings.runtime.http.listener import bind_listener
    from tidings.runtime.http.metrics import metrics_route
    from tidings.runtime.http.request_metrics import HttpMetrics
    from tidings.runtime.http.stranger_limit import StrangerLimit
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
                        *channel_routes.handlers(runtime, access),
                        _preview_handler(runtime, access),
                        *_page_handlers(runtime),
                    )
                    if edge
                    else ()
                ),
                *(gateway.handlers(runtime, access) if "gateway" in parts else ()),
            ]
            handlers.append(metrics_route(runtime.metrics))
            if edge:
                register_gauges(runtime.metrics, edge)

            ready = Readiness(
                "-".join(parts),
                runtime.jetstream,
                _probes(runtime, PROJECTIONS) if edge else {"log": runtime.appends.probe},
                "it reads the newest entries of the log; ask again in a moment",
            )
            idempotent = IdempotencyMiddleware(
                IdempotencyKeys(runtime.postgres, settings),
                access.identify_sender,
                access.shared_buckets("request"),
            )
            app = create_application(
                handlers,
                ready.public_problems,
                idempotent,
                settings.origins,
                runtime.metrics.part(HttpMetrics),
            )
            async with (
                ready.watch(settings, runtime.metrics),
                _run_followers(access, edge),
            ):
                tune_gc()
                ready.report(http_url(settings.host, listener.getsockname()[1]))
                peers = peers_of(settings, runtime.metrics, access.strangers)
                drain = edge.drain.run if edge else _drain_nothing
                direct = DirectRoutes(app, handlers, settings.origins)
                admitted = AllowedHosts(StrangerLimit(direct, access), settings)
                await serve_application(admitted, listener, peers, drain)


def _page_handlers(runtime: Runtime) -> list[Any]:
    """Return the handlers of static files and, in a demonstration, of its page."""
    from tidings.edge.http import assets, index_page

    if not runtime.settings.demo:
        return [*assets.handlers(), index_page.handler("demo/welcome.html")]
    from tidings.demo import api

    page = index_page.handler("demo/index.html", has_frames=True)
    return [*assets.handlers(), page, *api.handlers(runtime)]


def _preview_handler(runtime: Runtime, access: Access) -> Any:
    """Return the handler of previews, whose parts are loaded when the first one is asked for."""
    from tidings.channels.http import previews
    from tidings.runtime.auth.emit_rights import ADMIN
    from tidings.runtime.http.guards import make_guard

    @cache
    def open_previewer() -> previews.EventPreviewer:
        from tidings.processes.preview import Previewer

        return Previewer(runtime)

    return previews.handler(open_previewer, make_guard(access, ADMIN))


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


def _probes(runtime: Runtime, projections: Sequence[Projection]) -> dict[str, Probe]:
    """Return what a service needs beside NATS: its appends stored, and these read models."""
    dsn = runtime.settings.postgres
    return {
        "log": runtime.appends.probe,
        "Postgres": read_models_probe(runtime.postgres, dsn, projections),
    }
