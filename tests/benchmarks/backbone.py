"""Figures of Tidings from end to end: latency, and the throughput of each stage."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import NamedTuple

import psycopg
from tidings.contracts.subjects import EVENTS, INBOXES, NOTIFICATIONS
from tidings.runtime.append import BATCH_LIMIT_MESSAGES
from tidings.runtime.follow import state
from tidings.runtime.read import last

from tests.benchmarks.entries import append
from tests.benchmarks.measure import CpuTime, Latency
from tests.benchmarks.plain_stack import DRAIN_SECONDS, WARM_UP_SECONDS, Kind, latency
from tests.benchmarks.processes import clients
from tests.benchmarks.system import (
    TENANTS,
    System,
    announcement,
    drafted,
    paced,
    person,
    system,
    told,
)

POLL_SECONDS = 0.02
STAGE_SECONDS = 120.0


class Rate(NamedTuple):
    """Things a second, and the processor seconds that each process took for all of them."""

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
    """From an append falling due to its frame read by the client, one connection a user, at each rate."""
    found: dict[float, Latency] = {}
    async with system("notifier", "projector", "edge") as running:
        websockets, streams = (users, 0) if kind == "websocket" else (0, users)
        async with clients(
            running.crowd(websockets=websockets, streams=streams, tenants=tenants)
        ) as connected:
            appender = running.runtime.appender()
            for rate in rates:
                await connected.reset()
                await connected.until(
                    await paced(appender, users, rate, WARM_UP_SECONDS, tenants), DRAIN_SECONDS
                )
                await connected.reset()
                sent = await paced(appender, users, rate, seconds, tenants)
                found[rate] = latency(sent, await connected.until(sent, DRAIN_SECONDS))
    return found


async def highest_rate(*, users: int = 500, events: int = 60_000) -> float:
    """Notifications a second from appended events to sockets, one recipient each, everything running."""
    async with (
        system("notifier", "projector", "edge") as running,
        clients(running.crowd(websockets=users)) as connected,
    ):
        appender = running.runtime.appender()
        await connected.reset()
        drafts = [drafted(told(number, users, sent_ns=1)) for number in range(events)]
        started = time.monotonic()
        for first in range(0, events, BATCH_LIMIT_MESSAGES):
            await appender.append_batch(drafts[first : first + BATCH_LIMIT_MESSAGES])
        statistics = await connected.until(events, STAGE_SECONDS)
        assert statistics["entries"] == events, statistics
        return events / (time.monotonic() - started)


async def notifier_rate(*, events: int, recipients: int) -> Rate:
    """Notifications a second from `EVENTS` to `NOTIFICATIONS`: the events are there, then the notifier starts."""
    async with system() as running:
        users = [f"u{n}" for n in range(max(500, recipients))]
        bodies = [
            announcement(
                n, f"bench-{n % TENANTS}", [users[(n + k) % len(users)] for k in range(recipients)]
            )
            for n in range(events)
        ]
        await append(running.runtime.appender(), [drafted(body) for body in bodies])
        async with running.service("notifier") as pid:
            used = CpuTime(pid)
            started = time.monotonic()
            await _until_entries(running, events * recipients)
            return Rate(
                events * recipients / (time.monotonic() - started), {"notifier": used.seconds()}
            )


async def projector_rate(*, entries: int = 60_000) -> tuple[Rate, float]:
    """Rows a second of the projector over a log that is there, and of raw COPY of the same rows into the same table."""
    async with system() as running:
        drafts = [running.entry(number, 500) for number in range(entries)]
        await append(running.runtime.appender(), drafts)
        head = (await state(running.runtime.jetstream, NOTIFICATIONS)).last
        async with running.service("projector") as pid:
            used = CpuTime(pid)
            started = time.monotonic()
            await running.projected(head)
            rate = Rate(entries / (time.monotonic() - started), {"projector": used.seconds()})
        return rate, await asyncio.to_thread(_copy, running.settings.postgres)


async def gateway_rate(*, events: int = 60_000, connections: int = 2, lines: int = 5000) -> Rate:
    """Events a second taken as JSON lines over HTTP and stored."""
    async with system("gateway") as running:
        bodies = [told(number, 500, tenants=1) for number in range(events)]
        chunks = [b"\n".join(bodies[first : first + lines]) for first in range(0, events, lines)]
        used, nats = CpuTime(running.pids["gateway"]), time.monotonic()
        await asyncio.gather(
            *(_post(running, chunks[part::connections]) for part in range(connections))
        )
        rate = events / (time.monotonic() - nats)
        assert (await state(running.runtime.jetstream, EVENTS)).last == events
        return Rate(rate, {"gateway": used.seconds()})


async def _until_entries(running: System, count: int) -> None:
    """Wait until `NOTIFICATIONS` has so many entries."""
    async with asyncio.timeout(STAGE_SECONDS):
        while True:
            info = await running.runtime.jetstream.call(f"STREAM.INFO.{NOTIFICATIONS}")
            if info["state"]["messages"] >= count and await last(
                running.runtime.jetstream, NOTIFICATIONS, INBOXES
            ):
                return
            await asyncio.sleep(POLL_SECONDS)


async def _post(running: System, chunks: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.ports["gateway"])
    bearer = f"Bearer {running.token(person(0, 1))}"
    for chunk in chunks:
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nAuthorization: {bearer}\r\n"
        writer.write(f"{head}Content-Length: {len(chunk)}\r\n\r\n".encode() + chunk)
        await writer.drain()
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert answer.startswith(b"http/1.1 200"), answer
        length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
        json.loads(await reader.readexactly(length))
    writer.close()


def _copy(dsn: str) -> float:
    """Rows a second of COPY alone: the projector's own rows, 2000 a transaction as it writes them, into a table like its own, empty."""
    with psycopg.connect(dsn, autocommit=True, options="-c synchronous_commit=off") as connection:
        found = connection.execute(
            "SELECT schema FROM tidings.read_model WHERE name = 'inbox' AND live"
        ).fetchone()
        assert found
        connection.execute("CREATE SCHEMA copied")
        connection.execute(
            f"CREATE TABLE copied.notification (LIKE {found[0]}.notification INCLUDING ALL)".encode()
        )
        with connection.cursor().copy(
            "COPY (SELECT * FROM inbox.notification ORDER BY sequence) TO STDOUT"
        ) as read:
            rows = list(read.rows())
        started = time.monotonic()
        for first in range(0, len(rows), 2000):
            with connection.cursor().copy("COPY copied.notification FROM STDIN") as copy:
                for row in rows[first : first + 2000]:
                    copy.write_row(row)
        return len(rows) / (time.monotonic() - started)
