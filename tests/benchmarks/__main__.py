"""The table of the README: `just bench [PART…]`; parts: latency, pipeline, edge, memory, crowd, storm, soak.

Tidings and its peers take turns in one run, each in processes and directories of its own on 127.0.0.1. Needs redis-server for the plain
stack; without it, those rows are left out and said so.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import uvloop

from services.runtime.embedded import embedded_postgres
from tests.benchmarks import backbone
from tests.benchmarks.crowd import crowded
from tests.benchmarks.floor import bare_asgi_cpu_per_frame, bare_asgi_memory_per_connection
from tests.benchmarks.measure import Row, machine, raise_file_limit, spin_milliseconds, table, versions
from tests.benchmarks.plain_stack import Kind, fastapi_cpu_per_frame, fastapi_highest_rate, fastapi_latency
from tests.benchmarks.soak import COMPARED
from tests.benchmarks.soak import soak as soaking
from tests.benchmarks.storm import Source
from tests.benchmarks.storm import storm as stormed

KINDS: tuple[Kind, ...] = ("websocket", "stream")
FILES = 20_000
MEMORY_LIMITS = {"websocket": 30.0, "stream": 20.0}
STORM_LIMITS: dict[Source, float] = {"ring": 1000, "postgres": 500}


async def plain(measured: Callable[[str], Awaitable[float]]) -> float | None:
    """A figure of the plain stack on a Postgres of its own; None without redis-server."""
    if not shutil.which("redis-server"):
        return None
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as directory:
        async with embedded_postgres(Path(directory)) as postgres:
            return await measured(postgres.dsn)


async def latency() -> AsyncIterator[Row]:
    """Append to frame, beside the plain stack; and the highest rates."""

    async def peer_p50(dsn: str) -> float:
        return (await fastapi_latency(dsn, "stream")).p50_milliseconds

    peer = await plain(peer_p50)
    found = await backbone.append_latency("websocket", (200, 1000))
    yield Row(figure="append → WebSocket frame, 200/s, p50", measured=found[200].p50_milliseconds, unit="ms", limit=2)
    if peer:
        yield Row(figure="FastAPI + Redis, POST → SSE frame, 200/s, p50", measured=peer, unit="ms")
        yield Row(figure="… ours ÷ theirs", measured=found[200].p50_milliseconds / peer, unit="×", limit=1.5)
    yield Row(figure="append → WebSocket frame, 1000/s, p50", measured=found[1000].p50_milliseconds, unit="ms", limit=5)
    yield Row(figure="append → WebSocket frame, 1000/s, p99", measured=found[1000].p99_milliseconds, unit="ms", limit=25)
    ours, theirs = await backbone.highest_rate(), await plain(lambda dsn: fastapi_highest_rate(dsn, "stream"))
    yield Row(figure="highest rate, append → socket, everything running", measured=ours, unit="/s")
    if theirs:
        yield Row(figure="FastAPI + Redis, highest rate, POST → socket", measured=theirs, unit="/s")
        yield Row(figure="… ours ÷ theirs (at least)", measured=ours / theirs, unit="×", limit=8)


async def pipeline() -> AsyncIterator[Row]:
    """Each stage at full load."""
    alone = await backbone.notifier_rate(events=60_000, recipients=1)
    yield Row(figure="notifier, 1 recipient an event (at least)", measured=alone.per_second, unit="/s", limit=15_000)
    many = await backbone.notifier_rate(events=2000, recipients=50)
    yield Row(figure="notifier, 50 recipients an event (at least)", measured=many.per_second, unit="/s", limit=15_000)
    projector, copy = await backbone.projector_rate()
    yield Row(figure="projector", measured=projector.per_second, unit="rows/s")
    yield Row(figure="raw COPY into the same table", measured=copy, unit="rows/s")
    yield Row(figure="… projector ÷ COPY (at least)", measured=projector.per_second / copy, unit="×", limit=0.4)
    gateway = await backbone.gateway_rate()
    yield Row(figure="gateway, JSON lines (at least)", measured=gateway.per_second, unit="events/s", limit=15_000)


async def edge() -> AsyncIterator[Row]:
    """Processor time a delivered frame."""
    for kind in KINDS:
        cost = await backbone.edge_cost(kind)
        floor = await bare_asgi_cpu_per_frame(kind, frame_bytes=cost.frame_bytes)
        yield Row(figure=f"edge, {kind}, processor a frame", measured=cost.microseconds, unit="µs")
        yield Row(figure=f"bare ASGI, {kind}, the same bytes", measured=floor, unit="µs")
        yield Row(figure="… ours ÷ bare", measured=cost.microseconds / floor, unit="×", limit=1.6)
        async for row in _beside_plain(kind, cost.microseconds, cost.frame_bytes):
            yield row


async def _beside_plain(kind: Kind, ours: float, frame_bytes: int) -> AsyncIterator[Row]:
    async def cost(dsn: str) -> float:
        found = await fastapi_cpu_per_frame(dsn, kind, frame_bytes=frame_bytes)
        return found.server_microseconds + found.redis_microseconds

    theirs = await plain(cost)
    if theirs:
        yield Row(figure=f"FastAPI + Redis, {kind}, processor a frame", measured=theirs, unit="µs")
        yield Row(figure="… ours ÷ theirs", measured=ours / theirs, unit="×", limit=0.7)


async def memory() -> AsyncIterator[Row]:
    """Idle connections."""
    for kind in KINDS:
        ours, floor = await backbone.edge_memory(kind), await bare_asgi_memory_per_connection(kind)
        yield Row(figure=f"idle {kind}, 5000 of them", measured=ours, unit="KiB", limit=MEMORY_LIMITS[kind])
        yield Row(figure=f"bare ASGI, idle {kind}", measured=floor, unit="KiB")


async def crowd() -> AsyncIterator[Row]:
    """Ten thousand connections and two thousand deliveries a second."""
    found = await crowded()
    for end, latency, limit in (("on disk", found.on_disk, None), ("WebSocket", found.websocket, 50), ("SSE", found.stream, 50)):
        yield Row(figure=f"10 000 connections, 2000 deliveries/s: append → {end}, p50", measured=latency["p50"], unit="ms")
        yield Row(figure="… p99", measured=latency["p99"], unit="ms", limit=limit)
    yield Row(figure="… the edge's share of one core", measured=100 * found.cpu_share, unit="%")
    yield Row(figure="… processor time a frame", measured=found.microseconds_per_frame, unit="µs")
    yield Row(figure="… the edge's memory", measured=found.resident_bytes / 2**20, unit="MiB")
    yield Row(figure="… until all of them had connected", measured=found.opening_seconds, unit="s")


async def storm() -> AsyncIterator[Row]:
    """Returning users after a restart of the edge."""
    for source, limit in STORM_LIMITS.items():
        found = await stormed(source)
        yield Row(
            figure=f"5000 users return, 20 missed each, from {source} (at least)", measured=found.users_per_second, unit="/s", limit=limit
        )
        yield Row(figure="… queries asked meanwhile", measured=found.queries, unit="", limit=0 if source == "ring" else None)
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
    yield Row(figure=f"… of, after {minutes:.0f} minutes", measured=found.samples[-1][1] / 2**20, unit="MiB")
    yield Row(figure="… delivered and not received", measured=found.told - found.received, unit="", limit=0)
    yield Row(figure="… crowds that came and went meanwhile", measured=found.visits, unit="")
    for name in COMPARED:
        yield Row(figure=f"… {name} left when all had gone", measured=found.after[name] - found.before[name], unit="", limit=0)


PARTS: dict[str, Callable[[], AsyncIterator[Row]]] = {
    "latency": latency,
    "pipeline": pipeline,
    "edge": edge,
    "memory": memory,
    "crowd": crowd,
    "storm": storm,
    "soak": soak,
}


async def report(parts: list[str]) -> None:
    """Measure and print."""
    rows = [Row(figure="this machine: a loop of five million turns", measured=spin_milliseconds(), unit="ms")]
    for part in parts:
        async for row in PARTS[part]():
            print(f"{row.figure}: {row.measured:,.2f} {row.unit}", file=sys.stderr, flush=True)
            rows.append(row)
    if not shutil.which("redis-server"):
        print("redis-server is not installed: the plain stack was left out", file=sys.stderr)
    print(f"{machine()}\n{', '.join(f'{name} {version}' for name, version in versions().items())}\n\n{table(rows)}")


def main() -> None:
    """The command line."""
    asked = sys.argv[1:] or list(PARTS)
    if unknown := [part for part in asked if part not in PARTS]:
        sys.exit(f"no such part: {unknown[0]}; there are {', '.join(PARTS)}")
    raise_file_limit(FILES)
    uvloop.run(report(asked))


if __name__ == "__main__":
    main()
