"""The edge: the composition of its parts, and the loops that run them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tidings.client.appender import Appender
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.edge.connection.connection import ConnectionContext
from tidings.edge.connection.drain import Drain
from tidings.edge.connection.gate import ConnectionGate
from tidings.edge.connection.limits import ConnectionLimits
from tidings.edge.delivery.ack_writer import AckWriter
from tidings.edge.delivery.follow_loop import FollowLoop
from tidings.edge.delivery.heartbeat import Heartbeat
from tidings.edge.delivery.hub import Hub
from tidings.edge.delivery.log_reader import LogReader
from tidings.edge.delivery.marks import Marks
from tidings.edge.delivery.ring import Ring
from tidings.edge.delivery.ring_floor import ENTRY_PREFIXES, find_ring_floor
from tidings.edge.http.guards import Guards, make_guards
from tidings.edge.monitoring.connection_meter import CANONICAL
from tidings.edge.monitoring.connection_metrics import ConnectionMetrics
from tidings.edge.presence.hub import PresenceHub
from tidings.runtime.auth.access import Access
from tidings.runtime.log.state import has_every_message, stream_state
from tidings.runtime.process import Runtime
from tidings.runtime.settings import Settings


@dataclass(frozen=True)
class Edge:
    """The parts of an edge; `run` runs their loops.

    Only the composition of routes takes an `Edge`; everything else takes the parts that it uses.
    """

    settings: Settings
    runtime: Runtime
    access: Access
    appender: Appender
    log: LogReader
    hub: Hub
    marks: Marks
    acks: AckWriter
    presence: PresenceHub
    gate: ConnectionGate
    guards: Guards
    connections: ConnectionContext
    follow_loop: FollowLoop
    heartbeat: Heartbeat
    drain: Drain

    async def run(self) -> None:
        """Run every loop until cancelled; raises LogLost when the stream was created anew."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.follow_loop.run())
            group.create_task(self.heartbeat.run())
            group.create_task(self.presence.run())
            group.create_task(self.acks.run())


async def open_edge(runtime: Runtime, access: Access) -> Edge:
    """Compose an edge whose ring begins as far back as its memory allows; raises Unavailable."""
    head = (await stream_state(runtime.jetstream, NOTIFICATIONS)).last_sequence
    limit_bytes = runtime.settings.ring_bytes
    floor = await find_ring_floor(
        runtime.jetstream, NOTIFICATIONS, ENTRY_PREFIXES, head, limit_bytes
    )
    is_whole = floor == 0 and await has_every_message(runtime.jetstream, NOTIFICATIONS)
    edge = compose_edge(runtime, access, Ring(limit_bytes, floor, is_whole=is_whole))
    access.on_revoked = edge.hub.end_revoked
    await edge.log.tenants_with_topics.load(runtime.postgres, edge.log.epoch, edge.log.ring.floor)
    return edge


def compose_edge(runtime: Runtime, access: Access, ring: Ring) -> Edge:
    """Make the parts of an edge and pass each the parts that it uses."""
    settings, jetstream, appender = runtime.settings, runtime.jetstream, runtime.appender()
    log = LogReader(runtime, ring)
    hub = Hub(log)
    acks = AckWriter(appender, hub, log.epoch, settings.subjects)
    presence = PresenceHub(runtime)
    drain = Drain(hub, acks, settings.drain_timeout_seconds)
    limits = ConnectionLimits(settings, access.revocations, drain)
    gate = ConnectionGate(runtime, access)
    metrics = runtime.metrics.part(ConnectionMetrics)
    return Edge(
        settings=settings,
        runtime=runtime,
        access=access,
        appender=appender,
        log=log,
        hub=hub,
        marks=Marks(appender, log),
        acks=acks,
        presence=presence,
        gate=gate,
        guards=make_guards(access, gate),
        connections=ConnectionContext(
            settings,
            log,
            hub,
            acks,
            presence,
            limits,
            metrics,
            metrics.meter_of("websocket", CANONICAL),
        ),
        follow_loop=FollowLoop(
            jetstream,
            log,
            hub,
            settings.edge_partition_numbers,
            runtime.metrics.followers.position_of("edge"),
        ),
        heartbeat=Heartbeat(jetstream, hub, ring, settings.heartbeat_seconds),
        drain=drain,
    )
