"""The latency from an append to its frame as rows: at steady rates, under overload, by process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from tidings.runtime.embedded.servers import run_postgres

from tests.benchmarks import backbone
from tests.benchmarks.event_kinds import ANNOUNCEMENT, DOMAIN_KINDS, EventKind
from tests.benchmarks.measure import Row
from tests.benchmarks.overload import OVERLOAD, measure_recovery
from tests.benchmarks.plain_stack import fastapi_highest_rate, fastapi_latency

RATES = {200.0: 10.0, 1000.0: 10.0, 2000.0: 6.0}
DOMAIN_RATES = {200.0: 6.0, 1000.0: 6.0}
P50_LIMITS = {200.0: 2.0, 1000.0: 3.0, 2000.0: 25.0}
P99_LIMITS = {1000.0: 15.0}
PROCESSOR_RATE = 1000.0
PROCESSOR_LIMIT_MICROSECONDS = 1300.0
RECOVERY_LIMIT_SECONDS = 20.0


async def plain(measure: Callable[[str], Awaitable[float]]) -> float | None:
    """Measure a figure of the plain stack on its own Postgres; None without redis-server."""
    if not shutil.which("redis-server"):
        return None
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as directory:
        async with run_postgres(Path(directory)) as postgres:
            return await measure(postgres.dsn)


async def latency() -> AsyncIterator[Row]:
    """Measure append to frame beside the plain stack, other events, overload, the highest rates."""

    async def peer_p50(dsn: str) -> float:
        return (await fastapi_latency(dsn, "stream")).p50_milliseconds

    peer = await plain(peer_p50)
    measured = await backbone.append_latency(ANNOUNCEMENT, RATES)
    for row in _latency_rows(ANNOUNCEMENT, measured):
        yield row
    if peer:
        yield Row(figure="FastAPI + Redis, POST → SSE frame, 200/s, p50", value=peer, unit="ms")
        ours = measured[200.0].latency.p50_milliseconds
        yield Row(figure="… ours ÷ theirs", value=ours / peer, unit="×", limit=1.5)
    for kind in DOMAIN_KINDS:
        for row in _latency_rows(kind, await backbone.append_latency(kind, DOMAIN_RATES)):
            yield row
    async for row in _highest():
        yield row
    async for row in _overload():
        yield row


def _latency_rows(kind: EventKind, measured: dict[float, backbone.PacedLatency]) -> list[Row]:
    """Return the rows of one kind of event; only announcements have limits."""
    limited = kind is ANNOUNCEMENT
    rows: list[Row] = []
    for rate, (latency, processor) in measured.items():
        rows += [
            Row(
                figure=f"{kind.name}, append → WebSocket frame, {_rate_name(kind, rate)}, p50",
                value=latency.p50_milliseconds,
                unit="ms",
                limit=P50_LIMITS.get(rate) if limited else None,
            ),
            Row(
                figure="… p99",
                value=latency.p99_milliseconds,
                unit="ms",
                limit=P99_LIMITS.get(rate) if limited else None,
            ),
        ]
        if latency.delivered != latency.sent:
            rows.append(
                Row(
                    figure="… not delivered in time",
                    value=latency.sent - latency.delivered,
                    unit=f"of {latency.sent}",
                    limit=0,
                )
            )
        if rate == PROCESSOR_RATE:
            rows += _processor_rows(kind, processor)
    return rows


def _rate_name(kind: EventKind, rate: float) -> str:
    if kind.recipients == 1:
        return f"{rate:.0f}/s"
    return f"{rate / kind.recipients:.0f} events ({rate:.0f} frames)/s"


def _processor_rows(kind: EventKind, processor: dict[str, float]) -> list[Row]:
    """Return the processor time of all processes, and the share of each."""
    total = Row(
        figure="… processor an event, all processes with load and clients",
        value=sum(processor.values()),
        unit="µs",
        limit=PROCESSOR_LIMIT_MICROSECONDS if kind is ANNOUNCEMENT else None,
    )
    parts = [
        Row(figure=f"… of it {name}", value=microseconds, unit="µs")
        for name, microseconds in sorted(processor.items(), key=lambda part: -part[1])
    ]
    return [total, *parts]


async def _highest() -> AsyncIterator[Row]:
    ours, theirs = (
        await backbone.highest_rate(),
        await plain(lambda dsn: fastapi_highest_rate(dsn, "stream")),
    )
    yield Row(figure="highest rate, append → socket, everything running", value=ours, unit="/s")
    if theirs:
        yield Row(figure="FastAPI + Redis, highest rate, POST → socket", value=theirs, unit="/s")
        yield Row(figure="… ours ÷ theirs", value=ours / theirs, unit="×", limit=6.5, at_least=True)


async def _overload() -> AsyncIterator[Row]:
    recovery = await measure_recovery()
    yield Row(
        figure=f"{recovery.seconds:.0f} s at {OVERLOAD:.0%} of the highest rate, then 1000/s:"
        " seconds until p50 is below twice what it was",
        value=recovery.recovery_seconds,
        unit="s",
        limit=RECOVERY_LIMIT_SECONDS,
    )
    yield Row(figure="… p50 before", value=recovery.p50_before_milliseconds, unit="ms")
    yield Row(figure="… not delivered when the overload ended", value=recovery.backlog, unit="")
