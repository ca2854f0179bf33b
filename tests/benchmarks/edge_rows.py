"""The figures of the edge as rows with their limits, beside those of its peers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable

from tests.benchmarks import beside
from tests.benchmarks.crowd import measure_crowd
from tests.benchmarks.edge import TOPIC_USERS, measure_edge_memory, tabs_cost, topic_cost
from tests.benchmarks.floor import bare_asgi_cpu_per_frame, bare_asgi_memory_per_connection
from tests.benchmarks.measure import Row
from tests.benchmarks.plain_stack import Kind
from tests.benchmarks.soak import COMPARED
from tests.benchmarks.soak import run_soak as soaking
from tests.benchmarks.stacks import PEERS, Stack
from tests.benchmarks.storm import Source
from tests.benchmarks.storm import measure_storm as stormed

KINDS: tuple[Kind, ...] = ("websocket", "stream")
FRAME_BYTES = 600
MEMORY_LIMITS = {"websocket": 23.0, "stream": 15.5}
RATIO_LIMITS = {"FastAPI + Redis": 0.7}
STORM_LIMITS: dict[Source, float] = {"ring": 1300, "postgres": 900}
TABS_LIMIT = 1.25


async def edge(*, peers: bool = True) -> AsyncIterator[Row]:
    """Measure the processor time per delivered frame beside bare ASGI, and `peers` beside it."""
    for kind in KINDS:
        cost = await tabs_cost(kind)
        floor = await bare_asgi_cpu_per_frame(kind, frame_bytes=cost.frame_bytes)
        yield Row(
            figure=f"200 users with 5 tabs, {kind}, processor a frame",
            value=cost.microseconds,
            unit="µs",
        )
        yield Row(figure=f"bare ASGI, {kind}, the same bytes", value=floor, unit="µs")
        yield Row(
            figure="… ours ÷ bare", value=cost.microseconds / floor, unit="×", limit=TABS_LIMIT
        )
        if not peers:
            continue
        async for name, theirs in _beside(kind, beside.measure_cost, cost.frame_bytes):
            yield Row(figure=f"{name}, {kind}, processor a frame", value=theirs, unit="µs")
            yield Row(
                figure="… ours ÷ theirs",
                value=cost.microseconds / theirs,
                unit="×",
                limit=RATIO_LIMITS.get(name),
            )


async def _beside(
    kind: Kind, measure: Callable[[Stack, Kind], Awaitable[float]], frame_bytes: int = FRAME_BYTES
) -> AsyncIterator[tuple[str, float]]:
    """Measure each installed peer with this kind of connection, each in its own processes."""
    for peer in PEERS:
        if kind in peer.kinds and not peer.missing:
            async with peer.run(frame_bytes) as stack:
                yield peer.name, await measure(stack, kind)


async def topic() -> AsyncIterator[Row]:
    """Measure the processor time per frame that a thousand users read alike."""
    for kind in KINDS:
        cost = await topic_cost(kind)
        floor = await bare_asgi_cpu_per_frame(
            kind, users=TOPIC_USERS, tabs=1, burst=TOPIC_USERS, frame_bytes=cost.frame_bytes
        )
        yield Row(
            figure=f"a topic read by 1000 connections, {kind}, processor a frame",
            value=cost.microseconds,
            unit="µs",
        )
        yield Row(figure=f"bare ASGI, {kind}, the same bytes to all 1000", value=floor, unit="µs")
        yield Row(figure="… ours ÷ bare", value=cost.microseconds / floor, unit="×", limit=1.2)


async def memory(*, peers: bool = True) -> AsyncIterator[Row]:
    """Measure idle connections, and with `peers` also five tabs a user and the peers."""
    for kind in KINDS:
        for tabs, whose in ((1, "one a user"), (5, "5 tabs a user"))[: 2 if peers else 1]:
            ours = await measure_edge_memory(kind, tabs=tabs)
            yield Row(
                figure=f"idle {kind}, 5000 of them, {whose}",
                value=ours,
                unit="KiB",
                limit=MEMORY_LIMITS[kind],
            )
        if not peers:
            continue
        yield Row(
            figure=f"bare ASGI, idle {kind}",
            value=await bare_asgi_memory_per_connection(kind),
            unit="KiB",
        )
        async for name, theirs in _beside(kind, beside.measure_idle_memory):
            yield Row(figure=f"{name}, idle {kind}", value=theirs, unit="KiB")


async def crowd() -> AsyncIterator[Row]:
    """Measure ten thousand connections with two thousand deliveries per second."""
    result = await measure_crowd()
    for end, latency, limit in (
        ("on disk", result.on_disk, None),
        ("WebSocket", result.websocket, 50),
        ("SSE", result.stream, 50),
    ):
        yield Row(
            figure=f"10 000 connections, 2000 deliveries/s: append → {end}, p50",
            value=latency["p50"],
            unit="ms",
        )
        yield Row(figure="… p99", value=latency["p99"], unit="ms", limit=limit)
    yield Row(figure="… the edge's share of one core", value=100 * result.cpu_share, unit="%")
    yield Row(figure="… processor time a frame", value=result.microseconds_per_frame, unit="µs")
    yield Row(figure="… the edge's memory", value=result.resident_bytes / 2**20, unit="MiB")
    yield Row(figure="… until all of them had connected", value=result.opening_seconds, unit="s")
    async for row in _crowds():
        yield row


async def _crowds() -> AsyncIterator[Row]:
    """Measure the peers in the same way, as far as they go.

    Their latency starts when a message is handed to them; they do not store it first.
    """
    for peer in PEERS:
        if peer.missing:
            continue
        async with peer.run(FRAME_BYTES) as stack:
            result = await beside.measure_peer_crowd(
                stack, peer.kinds, connections=peer.connections_limit
            )
        for kind, latency in result.latency.items():
            yield Row(
                figure=f"{peer.name}, {peer.connections_limit} connections, {kind}, p50",
                value=latency.p50_milliseconds,
                unit="ms",
            )
            yield Row(figure="… p99", value=latency.p99_milliseconds, unit="ms")
            yield Row(
                figure="… not delivered",
                value=latency.sent - latency.delivered,
                unit=f"of {latency.sent}",
            )
        yield Row(figure="… its share of one core", value=100 * result.cpu_share, unit="%")


async def storm() -> AsyncIterator[Row]:
    """Measure returning users after a restart of the edge."""
    for source, limit in STORM_LIMITS.items():
        result = await stormed(source)
        yield Row(
            figure=f"5000 users return, 20 missed each, from {source}",
            value=result.users_per_second,
            unit="/s",
            limit=limit,
            at_least=True,
        )
        yield Row(
            figure="… queries before all were live",
            value=result.queries,
            unit="",
            limit=0 if source == "ring" else None,
        )
        yield Row(figure="… processor time of the edge", value=result.cpu_seconds, unit="s")


async def soak() -> AsyncIterator[Row]:
    """Measure ten thousand idle connections with traffic and visitors, for `SOAK_SECONDS`."""
    result = await soaking(seconds=float(os.environ.get("SOAK_SECONDS", "600")))
    minutes = result.samples[-1][0] / 60
    yield Row(
        figure=f"{result.during['tidings_connections']:,.0f} connections: memory, growing",
        value=result.bytes_per_minute / 2**20,
        unit="MiB/min",
        limit=1,
    )
    yield Row(
        figure=f"… of, after {minutes:.0f} minutes",
        value=result.samples[-1][1] / 2**20,
        unit="MiB",
    )
    yield Row(
        figure="… delivered and not received",
        value=result.sent_count - result.received_count,
        unit="",
        limit=0,
    )
    yield Row(figure="… crowds that came and went meanwhile", value=result.visits, unit="")
    for name in COMPARED:
        yield Row(
            figure=f"… {name} left when all had gone",
            value=result.after[name] - result.before[name],
            unit="",
            limit=0,
        )
