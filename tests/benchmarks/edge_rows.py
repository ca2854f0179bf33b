"""The figures of the edge as rows, with their limits, and those of its peers beside them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable

from tests.benchmarks import beside
from tests.benchmarks.crowd import crowded
from tests.benchmarks.edge import TOPIC_USERS, idle_memory, tabs_cost, topic_cost
from tests.benchmarks.floor import bare_asgi_cpu_per_frame, bare_asgi_memory_per_connection
from tests.benchmarks.measure import Row
from tests.benchmarks.plain_stack import Kind
from tests.benchmarks.soak import COMPARED
from tests.benchmarks.soak import soak as soaking
from tests.benchmarks.stacks import PEERS, Stack
from tests.benchmarks.storm import Source
from tests.benchmarks.storm import storm as stormed

KINDS: tuple[Kind, ...] = ("websocket", "stream")
FRAME_BYTES = 600
MEMORY_LIMITS = {"websocket": 25.0, "stream": 16.0}
RATIO_LIMITS = {"FastAPI + Redis": 0.7}
STORM_LIMITS: dict[Source, float] = {"ring": 1000, "postgres": 500}


async def edge() -> AsyncIterator[Row]:
    """Processor time a delivered frame."""
    for kind in KINDS:
        cost = await tabs_cost(kind)
        floor = await bare_asgi_cpu_per_frame(kind, frame_bytes=cost.frame_bytes)
        yield Row(
            figure=f"200 users with 5 tabs, {kind}, processor a frame",
            measured=cost.microseconds,
            unit="µs",
        )
        yield Row(figure=f"bare ASGI, {kind}, the same bytes", measured=floor, unit="µs")
        yield Row(figure="… ours ÷ bare", measured=cost.microseconds / floor, unit="×", limit=1.5)
        async for name, theirs in _beside(kind, beside.cost, cost.frame_bytes):
            yield Row(figure=f"{name}, {kind}, processor a frame", measured=theirs, unit="µs")
            yield Row(
                figure="… ours ÷ theirs",
                measured=cost.microseconds / theirs,
                unit="×",
                limit=RATIO_LIMITS.get(name),
            )


async def _beside(
    kind: Kind, measured: Callable[[Stack, Kind], Awaitable[float]], frame_bytes: int = FRAME_BYTES
) -> AsyncIterator[tuple[str, float]]:
    """A figure of each peer that has this kind of connection and is installed, each in processes of its own."""
    for peer in PEERS:
        if kind in peer.kinds and not peer.missing:
            async with peer.run(frame_bytes) as stack:
                yield peer.name, await measured(stack, kind)


async def topic() -> AsyncIterator[Row]:
    """Processor time a frame that a thousand people read alike."""
    for kind in KINDS:
        cost = await topic_cost(kind)
        floor = await bare_asgi_cpu_per_frame(
            kind, users=TOPIC_USERS, tabs=1, burst=TOPIC_USERS, frame_bytes=cost.frame_bytes
        )
        yield Row(
            figure=f"a topic read by 1000 connections, {kind}, processor a frame",
            measured=cost.microseconds,
            unit="µs",
        )
        yield Row(
            figure=f"bare ASGI, {kind}, the same bytes to all 1000", measured=floor, unit="µs"
        )
        yield Row(figure="… ours ÷ bare", measured=cost.microseconds / floor, unit="×", limit=1.2)


async def memory() -> AsyncIterator[Row]:
    """Idle connections."""
    for kind in KINDS:
        for tabs, whose in ((1, "one a user"), (5, "5 tabs a user")):
            ours = await idle_memory(kind, tabs=tabs)
            yield Row(
                figure=f"idle {kind}, 5000 of them, {whose}",
                measured=ours,
                unit="KiB",
                limit=MEMORY_LIMITS[kind],
            )
        yield Row(
            figure=f"bare ASGI, idle {kind}",
            measured=await bare_asgi_memory_per_connection(kind),
            unit="KiB",
        )
        async for name, theirs in _beside(kind, beside.idle_memory):
            yield Row(figure=f"{name}, idle {kind}", measured=theirs, unit="KiB")


async def crowd() -> AsyncIterator[Row]:
    """Ten thousand connections and two thousand deliveries a second."""
    found = await crowded()
    for end, latency, limit in (
        ("on disk", found.on_disk, None),
        ("WebSocket", found.websocket, 50),
        ("SSE", found.stream, 50),
    ):
        yield Row(
            figure=f"10 000 connections, 2000 deliveries/s: append → {end}, p50",
            measured=latency["p50"],
            unit="ms",
        )
        yield Row(figure="… p99", measured=latency["p99"], unit="ms", limit=limit)
    yield Row(figure="… the edge's share of one core", measured=100 * found.cpu_share, unit="%")
    yield Row(figure="… processor time a frame", measured=found.microseconds_per_frame, unit="µs")
    yield Row(figure="… the edge's memory", measured=found.resident_bytes / 2**20, unit="MiB")
    yield Row(figure="… until all of them had connected", measured=found.opening_seconds, unit="s")
    async for row in _crowds():
        yield row


async def _crowds() -> AsyncIterator[Row]:
    """The same of the peers, as far as they can; from the moment a message is given to them, which they do not put on disk first."""
    for peer in PEERS:
        if peer.missing:
            continue
        async with peer.run(FRAME_BYTES) as stack:
            found = await beside.crowded(stack, peer.kinds, connections=peer.connections_limit)
        for kind, latency in found.latency.items():
            yield Row(
                figure=f"{peer.name}, {peer.connections_limit} connections, {kind}, p50",
                measured=latency.p50_milliseconds,
                unit="ms",
            )
            yield Row(figure="… p99", measured=latency.p99_milliseconds, unit="ms")
            yield Row(
                figure="… not delivered",
                measured=latency.sent - latency.delivered,
                unit=f"of {latency.sent}",
            )
        yield Row(figure="… its share of one core", measured=100 * found.cpu_share, unit="%")


async def storm() -> AsyncIterator[Row]:
    """Returning users after a restart of the edge."""
    for source, limit in STORM_LIMITS.items():
        found = await stormed(source)
        yield Row(
            figure=f"5000 users return, 20 missed each, from {source} (at least)",
            measured=found.users_per_second,
            unit="/s",
            limit=limit,
        )
        yield Row(
            figure="… queries asked meanwhile",
            measured=found.queries,
            unit="",
            limit=0 if source == "ring" else None,
        )
        yield Row(figure="… processor time of the edge", measured=found.cpu_seconds, unit="s")


async def soak() -> AsyncIterator[Row]:
    """Ten thousand idle connections, traffic, and people who come and go, for `SOAK_SECONDS`."""
    found = await soaking(seconds=float(os.environ.get("SOAK_SECONDS", "600")))
    minutes = found.samples[-1][0] / 60
    yield Row(
        figure=f"{found.crowded['tidings_connections']:,.0f} connections: memory, growing",
        measured=found.bytes_per_minute / 2**20,
        unit="MiB/min",
        limit=1,
    )
    yield Row(
        figure=f"… of, after {minutes:.0f} minutes",
        measured=found.samples[-1][1] / 2**20,
        unit="MiB",
    )
    yield Row(
        figure="… delivered and not received",
        measured=found.told - found.received,
        unit="",
        limit=0,
    )
    yield Row(figure="… crowds that came and went meanwhile", measured=found.visits, unit="")
    for name in COMPARED:
        yield Row(
            figure=f"… {name} left when all had gone",
            measured=found.after[name] - found.before[name],
            unit="",
            limit=0,
        )
