"""Figures of Tidings from end to end: latency, and the throughput of each stage."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec
import psycopg
from tidings.contracts.subjects import EVENTS, NOTIFICATIONS
from tidings.runtime.log.state import stream_state

from tests.benchmarks.entries import append
from tests.benchmarks.event_kinds import ANNOUNCEMENT, USERS, EventKind, append_events, set_up
from tests.benchmarks.measure import CpuTime, Latency
from tests.benchmarks.plain_stack import DRAIN_SECONDS, WARM_UP_SECONDS, Kind, latency
from tests.benchmarks.processes import Clients, clients
from tests.benchmarks.processor import ProcessorTimes
from tests.benchmarks.progress import Rate, measure_rate
from tests.benchmarks.system import (
    TENANTS,
    System,
    append_paced,
    encode_announcement,
    encode_personal_announcement,
    person,
    system,
)

STAGE_SECONDS = 120.0


class PacedLatency(NamedTuple):
    """The latency at a steady rate, and the processor microseconds an event of each process."""

    latency: Latency
    cpu_microseconds: dict[str, float]


async def append_latency(
    kind: EventKind, rates: Mapping[float, float], connection: Kind = "websocket"
) -> dict[float, PacedLatency]:
    """Measure the latency from the due time of an append to its frame, at each rate.

    `rates` are notifications a second, each with the seconds for which it is kept up. Each user has
    one connection.
    """
    async with (
        system("notifier", "projector", "edge") as running,
        connected(running, kind, connection) as crowd_clients,
    ):
        return {
            rate: await paced_latency(running, crowd_clients, kind, rate, seconds)
            for rate, seconds in rates.items()
        }


@asynccontextmanager
async def connected(
    running: System, kind: EventKind, connection: Kind = "websocket"
) -> AsyncGenerator[Clients]:
    """Set up what a kind of event needs, and connect every user during the block."""
    await set_up(running, kind)
    websockets, streams = (USERS, 0) if connection == "websocket" else (0, USERS)
    crowd = running.crowd(websockets=websockets, streams=streams)
    async with clients(msgspec.structs.replace(crowd, stamp=kind.stamp)) as crowd_clients:
        yield crowd_clients


async def paced_latency(
    running: System, crowd_clients: Clients, kind: EventKind, rate: float, seconds: float
) -> PacedLatency:
    """Measure the latency at so many notifications a second, after a second to warm up."""
    appender, per_second = running.runtime.appender(), rate / kind.recipients
    await crowd_clients.reset()
    count = await append_paced(appender, kind.body, per_second, WARM_UP_SECONDS)
    await crowd_clients.until(count * kind.recipients, DRAIN_SECONDS)
    await crowd_clients.reset()
    times = ProcessorTimes(running.pids)
    count = await append_paced(appender, kind.body, per_second, seconds)
    statistics = await crowd_clients.until(count * kind.recipients, DRAIN_SECONDS)
    return PacedLatency(
        latency(count * kind.recipients, statistics), times.microseconds_each(count)
    )


async def highest_rate(events: int = 60_000) -> float:
    """Measure notifications per second from appended events to sockets, with all services running.

    Each event has one recipient.
    """
    async with (
        system("notifier", "projector", "edge") as running,
        connected(running, ANNOUNCEMENT) as crowd_clients,
    ):
        return await burst_rate(running, crowd_clients, ANNOUNCEMENT, events)


async def burst_rate(
    running: System, crowd_clients: Clients, kind: EventKind, events: int
) -> float:
    """Append all events as fast as possible; return the notifications per second at the sockets."""
    bodies, expected = [kind.body(number, 1) for number in range(events)], events * kind.recipients
    await crowd_clients.reset()
    started_at = time.monotonic()
    await append_events(running, bodies)
    statistics = await crowd_clients.until(expected, STAGE_SECONDS)
    assert statistics["entries"] == expected, statistics
    return expected / (time.monotonic() - started_at)


async def notifier_rate(*, events: int, recipients: int) -> Rate:
    """Measure notifications per second from `EVENTS` to `NOTIFICATIONS`, with ready texts.

    The notifier starts when all events are stored.
    """
    users = [f"u{n}" for n in range(max(USERS, recipients))]
    bodies = [
        encode_announcement(
            n, f"bench-{n % TENANTS}", [users[(n + k) % len(users)] for k in range(recipients)]
        )
        for n in range(events)
    ]
    async with system() as running:
        return await _routed(running, bodies, events * recipients)


async def notifier_rate_of(kind: EventKind, events: int) -> Rate:
    """Measure notifications per second from `EVENTS` to `NOTIFICATIONS` for a kind of event."""
    async with system() as running:
        async with running.service("notifier"):
            await set_up(running, kind)
        bodies = [kind.body(number, number + 1) for number in range(events)]
        return await _routed(running, bodies, events * kind.recipients)


async def _routed(running: System, bodies: Sequence[bytes], notifications: int) -> Rate:
    await append_events(running, bodies)
    before = await running.inbox_messages()
    async with running.service("notifier") as pid:
        return await measure_rate(
            running.inbox_messages, before, before + notifications, pid, STAGE_SECONDS
        )


async def projector_rate(*, entries: int = 60_000, users: int = USERS) -> tuple[Rate, float]:
    """Measure rows per second of the projector over a stored log, and of COPY into the table."""
    async with system() as running:
        await append(
            running.runtime.appender(), [running.entry(number, users) for number in range(entries)]
        )
        head = (await stream_state(running.runtime.jetstream, NOTIFICATIONS)).last_sequence
        async with running.service("projector") as pid:
            rate = await measure_rate(running.projected, 0, head, pid, STAGE_SECONDS)
        return rate, await asyncio.to_thread(copy_rate, running.settings.postgres)


async def gateway_rate(*, events: int = 60_000, connections: int = 2, lines: int = 5000) -> Rate:
    """Measure events per second that the gateway takes as JSON lines over HTTP and stores."""
    async with system("gateway") as running:
        bodies = [encode_personal_announcement(number, 500, tenants=1) for number in range(events)]
        chunks = [b"\n".join(bodies[first : first + lines]) for first in range(0, events, lines)]
        cpu_time, started_at = CpuTime(running.pids["gateway"]), time.monotonic()
        await asyncio.gather(
            *(_post(running, chunks[part::connections]) for part in range(connections))
        )
        rate = events / (time.monotonic() - started_at)
        assert (await stream_state(running.runtime.jetstream, EVENTS)).last_sequence == events
        return Rate(rate, cpu_time.microseconds_each(events))


async def _post(running: System, chunks: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.ports["gateway"])
    bearer = f"Bearer {running.token(person(0, 1))}"
    for chunk in chunks:
        head = (
            "POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
            f"Authorization: {bearer}\r\n"
        )
        writer.write(f"{head}Content-Length: {len(chunk)}\r\n\r\n".encode() + chunk)
        await writer.drain()
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert answer.startswith(b"http/1.1 200"), answer
        length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
        json.loads(await reader.readexactly(length))
    writer.close()


def copy_rate(dsn: str) -> float:
    """Measure rows per second of COPY alone.

    The rows are those of the projector, 2000 per transaction as it writes them, copied into an
    empty table like its own.
    """
    with psycopg.connect(dsn, autocommit=True, options="-c synchronous_commit=off") as connection:
        schema = connection.execute(
            "SELECT schema FROM tidings.read_model WHERE name = 'inbox' AND live"
        ).fetchone()
        assert schema
        connection.execute("CREATE SCHEMA copied")
        connection.execute(
            f"CREATE TABLE copied.notification"
            f" (LIKE {schema[0]}.notification INCLUDING ALL)".encode()
        )
        with connection.cursor().copy(
            "COPY (SELECT * FROM inbox.notification ORDER BY sequence) TO STDOUT"
        ) as copy:
            rows = list(copy.rows())
        started_at = time.monotonic()
        for first in range(0, len(rows), 2000):
            with connection.cursor().copy("COPY copied.notification FROM STDIN") as copy:
                for row in rows[first : first + 2000]:
                    copy.write_row(row)
        return len(rows) / (time.monotonic() - started_at)
