"""Run the benchmark: `just bench [PART…]`.

Parts: latency, pipeline, domains, outbox, edge, dialects, topic, topics, memory, crowd, storm,
losses, browser, soak.

Tidings and its peers take turns in one run, each in processes and directories of its own on
127.0.0.1. The peers need redis-server (FastAPI + Redis), node and npm (Socket.IO; its packages are
fetched once), nginx with libnginx-mod-nchan (Nchan). The rows of a missing peer are left out, with
a message.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import uvloop
from tidings.runtime.embedded.servers import run_postgres

from tests.benchmarks import backbone
from tests.benchmarks.browser import browser
from tests.benchmarks.dialects import dialects
from tests.benchmarks.domains import domains
from tests.benchmarks.edge_rows import crowd, edge, memory, soak, storm, topic
from tests.benchmarks.losses import losses as losses_table
from tests.benchmarks.measure import (
    Row,
    machine,
    raise_file_limit,
    spin_milliseconds,
    table,
    versions,
)
from tests.benchmarks.outbox import outbox
from tests.benchmarks.plain_stack import fastapi_highest_rate, fastapi_latency
from tests.benchmarks.stacks import PEERS
from tests.benchmarks.topics import topics

FILES = 20_000


async def plain(measure: Callable[[str], Awaitable[float]]) -> float | None:
    """Measure a figure of the plain stack on its own Postgres; None without redis-server."""
    if not shutil.which("redis-server"):
        return None
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as directory:
        async with run_postgres(Path(directory)) as postgres:
            return await measure(postgres.dsn)


async def latency() -> AsyncIterator[Row]:
    """Measure append to frame beside the plain stack, and the highest rates."""

    async def peer_p50(dsn: str) -> float:
        return (await fastapi_latency(dsn, "stream")).p50_milliseconds

    peer = await plain(peer_p50)
    latencies = await backbone.append_latency("websocket", (200, 1000))
    yield Row(
        figure="append → WebSocket frame, 200/s, p50",
        value=latencies[200].p50_milliseconds,
        unit="ms",
        limit=2,
    )
    if peer:
        yield Row(figure="FastAPI + Redis, POST → SSE frame, 200/s, p50", value=peer, unit="ms")
        yield Row(
            figure="… ours ÷ theirs",
            value=latencies[200].p50_milliseconds / peer,
            unit="×",
            limit=1.5,
        )
    yield Row(
        figure="append → WebSocket frame, 1000/s, p50",
        value=latencies[1000].p50_milliseconds,
        unit="ms",
        limit=5,
    )
    yield Row(
        figure="append → WebSocket frame, 1000/s, p99",
        value=latencies[1000].p99_milliseconds,
        unit="ms",
        limit=25,
    )
    ours, theirs = (
        await backbone.highest_rate(),
        await plain(lambda dsn: fastapi_highest_rate(dsn, "stream")),
    )
    yield Row(figure="highest rate, append → socket, everything running", value=ours, unit="/s")
    if theirs:
        yield Row(figure="FastAPI + Redis, highest rate, POST → socket", value=theirs, unit="/s")
        yield Row(figure="… ours ÷ theirs (at least)", value=ours / theirs, unit="×", limit=8)


async def pipeline() -> AsyncIterator[Row]:
    """Measure each stage at full load."""
    single = await backbone.notifier_rate(events=60_000, recipients=1)
    yield Row(
        figure="notifier, 1 recipient an event (at least)",
        value=single.per_second,
        unit="/s",
        limit=15_000,
    )
    many = await backbone.notifier_rate(events=2000, recipients=50)
    yield Row(
        figure="notifier, 50 recipients an event (at least)",
        value=many.per_second,
        unit="/s",
        limit=15_000,
    )
    projector, copy = await backbone.projector_rate()
    yield Row(figure="projector", value=projector.per_second, unit="rows/s")
    yield Row(figure="raw COPY into the same table", value=copy, unit="rows/s")
    yield Row(
        figure="… projector ÷ COPY (at least)",
        value=projector.per_second / copy,
        unit="×",
        limit=0.4,
    )
    gateway = await backbone.gateway_rate()
    yield Row(
        figure="gateway, JSON lines (at least)",
        value=gateway.per_second,
        unit="events/s",
        limit=15_000,
    )


async def losses() -> AsyncIterator[str]:
    """Measure what each system loses on a reconnect."""
    yield await losses_table()


PARTS: dict[str, Callable[[], AsyncIterator[Row | str]]] = {
    "latency": latency,
    "pipeline": pipeline,
    "domains": domains,
    "outbox": outbox,
    "edge": edge,
    "dialects": dialects,
    "topic": topic,
    "topics": topics,
    "memory": memory,
    "crowd": crowd,
    "storm": storm,
    "losses": losses,
    "browser": browser,
    "soak": soak,
}


async def report(parts: list[str]) -> None:
    """Measure and print."""
    tables = list[str]()
    rows = [
        Row(
            figure="this machine: a loop of five million turns",
            value=spin_milliseconds(),
            unit="ms",
        )
    ]
    for part in parts:
        async for result in PARTS[part]():
            if isinstance(result, str):
                tables.append(result)
            else:
                print(
                    f"{result.figure}: {result.value:,.2f} {result.unit}",
                    file=sys.stderr,
                    flush=True,
                )
                rows.append(result)
    for peer in PEERS:
        if peer.missing:
            print(f"{peer.name} was left out: {peer.missing}", file=sys.stderr)
    print(f"{machine()}\n{', '.join(f'{name} {version}' for name, version in versions().items())}")
    print(*(table(rows), *tables), sep="\n\n")


def main() -> None:
    """The command line."""
    parts = sys.argv[1:] or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        sys.exit(f"no such part: {unknown[0]}; there are {', '.join(PARTS)}")
    raise_file_limit(FILES)
    uvloop.run(report(parts))


if __name__ == "__main__":
    main()
