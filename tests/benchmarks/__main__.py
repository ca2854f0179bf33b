"""The table of the README: `just bench [PART…]`; parts: latency, pipeline, edge, memory, storm. Takes about six minutes.

Tidings and its peers take turns in one run, each in processes and directories of its own on 127.0.0.1. Needs redis-server for the plain
stack; without it, those rows are left out and said so.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import uvloop

from services.runtime.embedded import embedded_postgres
from tests.benchmarks import backbone
from tests.benchmarks.floor import bare_asgi_cpu_per_frame, bare_asgi_memory_per_connection
from tests.benchmarks.measure import Row, machine, raise_file_limit, spin_milliseconds, table, versions
from tests.benchmarks.plain_stack import Kind, fastapi_cpu_per_frame, fastapi_highest_rate, fastapi_latency

KINDS: tuple[Kind, ...] = ("websocket", "stream")
FILES = 20_000
MEMORY_LIMITS = {"websocket": 30.0, "stream": 20.0}
STORM_USERS, STORM_MISSED = 2000, 20


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


async def storm() -> AsyncIterator[Row]:
    """Returning users after a restart of the edge."""
    seconds, cpu = await backbone.storm(users=STORM_USERS, missed=STORM_MISSED)
    yield Row(figure=f"{STORM_USERS} users return, {STORM_MISSED} missed each: all caught up", measured=seconds, unit="s")
    yield Row(figure="… users a second", measured=STORM_USERS / seconds, unit="/s")
    yield Row(figure="… processor time of the edge", measured=cpu, unit="s")


PARTS: dict[str, Callable[[], AsyncIterator[Row]]] = {
    "latency": latency,
    "pipeline": pipeline,
    "edge": edge,
    "memory": memory,
    "storm": storm,
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
