"""Figures of Tidings from end to end: latency, and the throughput of each stage."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import NamedTuple

import psycopg
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES
from tidings.contracts.subjects import EVENTS, INBOXES, NOTIFICATIONS
from tidings.runtime.log.read import last_message
from tidings.runtime.log.state import stream_state

from tests.benchmarks.entries import append
from tests.benchmarks.measure import CpuTime, Latency
from tests.benchmarks.plain_stack import DRAIN_SECONDS, WARM_UP_SECONDS, Kind, latency
from tests.benchmarks.processes import clients
from tests.benchmarks.system import (
    TENANTS,
    System,
    append_paced,
    encode_announcement,
    encode_personal_announcement,
    make_draft,
    person,
    system,
)

POLL_SECONDS = 0.02
STAGE_SECONDS = 120.0


class Rate(NamedTuple):
    """Units per second, and the processor seconds that each process used for all of them."""

    per_second: float
    cpu_seconds: dict[str, float]


async def append_latency(
    kind: Kind,
    rates: Sequence[float],
    *,
    users: int = 500,
    seconds: float = 10,
    tenants: int = TENANTS,
) -> dict[float, Latency]:
    """Measure the latency from the due time of an append to its frame, at each rate.

    Each user has one connection.
    """
    latencies: dict[float, Latency] = {}
    async with system("notifier", "projector", "edge") as running:
        websockets, streams = (users, 0) if kind == "websocket" else (0, users)
        async with clients(
            running.crowd(websockets=websockets, streams=streams, tenants=tenants)
        ) as crowd_clients:
            appender = running.runtime.appender()
            for rate in rates:
                await crowd_clients.reset()
                await crowd_clients.until(
                    await append_paced(appender, users, rate, WARM_UP_SECONDS, tenants),
                    DRAIN_SECONDS,
                )
                await crowd_clients.reset()
                count = await append_paced(appender, users, rate, seconds, tenants)
                latencies[rate] = latency(count, await crowd_clients.until(count, DRAIN_SECONDS))
    return latencies


async def highest_rate(*, users: int = 500, events: int = 60_000) -> float:
    """Measure notifications per second from appended events to sockets, with all services running.

    Each event has one recipient.
    """
    async with (
        system("notifier", "projector", "edge") as running,
        clients(running.crowd(websockets=users)) as crowd_clients,
    ):
        appender = running.runtime.appender()
        await crowd_clients.reset()
        drafts = [
            make_draft(encode_personal_announcement(number, users, sent_ns=1))
            for number in range(events)
        ]
        started_at = time.monotonic()
        for first in range(0, events, BATCH_LIMIT_MESSAGES):
            await appender.append_batch(drafts[first : first + BATCH_LIMIT_MESSAGES])
        statistics = await crowd_clients.until(events, STAGE_SECONDS)
        assert statistics["entries"] == events, statistics
        return events / (time.monotonic() - started_at)


async def notifier_rate(*, events: int, recipients: int) -> Rate:
    """Measure notifications per second from `EVENTS` to `NOTIFICATIONS`.

    The notifier starts when all events are stored.
    """
    async with system() as running:
        users = [f"u{n}" for n in range(max(500, recipients))]
        bodies = [
            encode_announcement(
                n, f"bench-{n % TENANTS}", [users[(n + k) % len(users)] for k in range(recipients)]
            )
            for n in range(events)
        ]
        await append(running.runtime.appender(), [make_draft(body) for body in bodies])
        async with running.service("notifier") as pid:
            cpu_time = CpuTime(pid)
            started_at = time.monotonic()
            await _until_entries(running, events * recipients)
            return Rate(
                events * recipients / (time.monotonic() - started_at),
                {"notifier": cpu_time.seconds()},
            )


async def projector_rate(*, entries: int = 60_000) -> tuple[Rate, float]:
    """Measure rows per second of the projector over a stored log, and of COPY into the table."""
    async with system() as running:
        drafts = [running.entry(number, 500) for number in range(entries)]
        await append(running.runtime.appender(), drafts)
        head = (await stream_state(running.runtime.jetstream, NOTIFICATIONS)).last_sequence
        async with running.service("projector") as pid:
            cpu_time = CpuTime(pid)
            started_at = time.monotonic()
            await running.wait_until_projected(head)
            rate = Rate(
                entries / (time.monotonic() - started_at), {"projector": cpu_time.seconds()}
            )
        return rate, await asyncio.to_thread(_copy, running.settings.postgres)


async def gateway_rate(*, events: int = 60_000, connections: int = 2, lines: int = 5000) -> Rate:
    """Measure events per second that the gateway takes as JSON lines over HTTP and stores."""
    async with system("gateway") as running:
        bodies = [encode_personal_announcement(number, 500, tenants=1) for number in range(events)]
        chunks = [b"\n".join(bodies[first : first + lines]) for first in range(0, events, lines)]
        cpu_time, nats = CpuTime(running.pids["gateway"]), time.monotonic()
        await asyncio.gather(
            *(_post(running, chunks[part::connections]) for part in range(connections))
        )
        rate = events / (time.monotonic() - nats)
        assert (await stream_state(running.runtime.jetstream, EVENTS)).last_sequence == events
        return Rate(rate, {"gateway": cpu_time.seconds()})


async def _until_entries(running: System, count: int) -> None:
    """Wait until `NOTIFICATIONS` has `count` entries."""
    async with asyncio.timeout(STAGE_SECONDS):
        while True:
            info = await running.runtime.jetstream.call_api(f"STREAM.INFO.{NOTIFICATIONS}")
            if info["state"]["messages"] >= count and await last_message(
                running.runtime.jetstream, NOTIFICATIONS, INBOXES
            ):
                return
            await asyncio.sleep(POLL_SECONDS)


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


def _copy(dsn: str) -> float:
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
