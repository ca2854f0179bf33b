"""Measure the plain stack (`peers/fastapi_redis.py`): latency, highest rate, processor time,
memory.

Every function starts its own Redis and uvicorn, uses the Postgres of the given DSN (schema
`plain_stack`, dropped at the end), takes less than `LIMIT_SECONDS`, and raises `IncompleteDelivery`
if frames are missing.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import AsyncConnection
from redis.asyncio import Redis

from tests.benchmarks.clients import Crowd
from tests.benchmarks.measure import CpuTime, Latency, memory
from tests.benchmarks.peers.fastapi_redis import SCHEMA, Notification, channel
from tests.benchmarks.posts import Body, posts
from tests.benchmarks.processes import Clients, Server, clients, redis_server, uvicorn

Kind = Literal["websocket", "stream"]

LIMIT_SECONDS = 30.0
WARM_UP_SECONDS = 1.0
DRAIN_SECONDS = 8.0
PACE_SECONDS = 0.001  # the resolution of uvloop's timers
COUNTS = '"sent_ns"'
POOL_CONNECTIONS = 10
POSTS_IN_FLIGHT = 32


class IncompleteDelivery(Exception):
    """Fewer frames arrived than were sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCost:
    """Processor microseconds per delivered frame, of the web server and of Redis."""

    server_microseconds: float
    redis_microseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainStack:
    """A running plain stack."""

    servers: tuple[Server, ...]
    redis: Server

    @property
    def ports(self) -> tuple[int, ...]:
        """Where to post and connect."""
        return tuple(server.port for server in self.servers)


@asynccontextmanager
async def plain_stack(dsn: str, processes: int = 1) -> AsyncGenerator[PlainStack]:
    """Redis, the table, and as many web server processes, each on its own port."""
    async with AsyncExitStack() as running:
        await running.enter_async_context(table(dsn))
        redis = await running.enter_async_context(redis_server())
        environment = {
            "PLAIN_POSTGRES_DSN": dsn,
            "PLAIN_REDIS_URL": f"redis://127.0.0.1:{redis.port}",
            "PLAIN_POOL_CONNECTIONS": str(POOL_CONNECTIONS),
        }
        app = "tests.benchmarks.peers.fastapi_redis:app"
        servers = [
            await running.enter_async_context(uvicorn(app, environment)) for _ in range(processes)
        ]
        yield PlainStack(servers=tuple(servers), redis=redis)


@asynccontextmanager
async def table(dsn: str) -> AsyncGenerator[None]:
    """The stack's table, empty, until the block ends."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(SCHEMA)
        yield
        await connection.execute("DROP SCHEMA plain_stack CASCADE")


def crowd(
    kind: Kind, connections: int, *, ports: tuple[int, ...], per_user: int = 1, stamp: str = ""
) -> Crowd:
    """Return a crowd of connections of one kind that count notifications."""
    websockets, streams = (connections, 0) if kind == "websocket" else (0, connections)
    return Crowd(
        ports=ports,
        websockets=websockets,
        streams=streams,
        per_user=per_user,
        counts=COUNTS,
        stamp=stamp,
    )


def listeners(
    stack: PlainStack, kind: Kind, users: int, *, tabs: int = 1, stamp: str = ""
) -> AbstractAsyncContextManager[Clients]:
    """Run `tabs` connections for each user of the stack."""
    return clients(crowd(kind, users * tabs, ports=stack.ports, per_user=tabs, stamp=stamp))


def notification(user: str, frame_bytes: int, sent_ns: int) -> Notification:
    """A notification whose JSON is `frame_bytes` long, if that is long enough for it."""
    fields: dict[str, Any] = {
        "user_id": user,
        "title": "Task assigned",
        "data": {"sent_ns": sent_ns},
    }
    bare = len(Notification(message="", **fields).model_dump_json())
    return Notification(message="x" * max(0, frame_bytes - bare), **fields)


def body(users: int, frame_bytes: int) -> Body:
    """What to post: to each user in turn."""
    message = notification("user-000", frame_bytes, 10**15).message

    def encode_body(number: int, sent_ns: int) -> bytes:
        fields = {
            "user_id": f"user-{number % users}",
            "title": "Task assigned",
            "message": message,
            "data": {"sent_ns": sent_ns},
        }
        return json.dumps(fields).encode()

    return encode_body


async def fastapi_latency(
    dsn: str,
    kind: Kind = "stream",
    *,
    users: int = 500,
    per_second: float = 200,
    seconds: float = 10,
    frame_bytes: int = 512,
) -> Latency:
    """Measure the latency from the due time of a POST to its frame, at a steady rate.

    Each user has one connection.
    """
    async with AsyncExitStack() as running:
        await running.enter_async_context(asyncio.timeout(LIMIT_SECONDS))
        stack = await running.enter_async_context(plain_stack(dsn))
        crowd_clients = await running.enter_async_context(
            listeners(stack, kind, users, stamp="sent_ns")
        )
        sender = await running.enter_async_context(
            posts(stack.ports, "/notifications", POSTS_IN_FLIGHT)
        )
        await crowd_clients.until(
            await sender.post_paced(body(users, frame_bytes), per_second, WARM_UP_SECONDS),
            DRAIN_SECONDS,
        )
        await crowd_clients.reset()
        count = await sender.post_paced(body(users, frame_bytes), per_second, seconds)
        return latency(count, await crowd_clients.until(count, DRAIN_SECONDS))


def latency(sent: int, statistics: dict[str, Any]) -> Latency:
    """The clients' statistics as a value."""
    share = statistics["latency_milliseconds"]
    return Latency(
        sent=sent,
        delivered=statistics["entries"],
        p50_milliseconds=share["p50"],
        p99_milliseconds=share["p99"],
        max_milliseconds=share["max"],
    )


async def fastapi_highest_rate(
    dsn: str,
    kind: Kind = "stream",
    *,
    users: int = 500,
    seconds: float = 4,
    at_once: tuple[int, ...] = (8, 16, 32),
    processes: int = 1,
    frame_bytes: int = 512,
) -> float:
    """Measure the highest rate through POST, row, pub/sub and socket, in notifications per second.

    Returns the best of several numbers of posts in flight, each tried for `seconds`.
    """
    async with (
        asyncio.timeout(LIMIT_SECONDS),
        plain_stack(dsn, processes) as stack,
        listeners(stack, kind, users) as crowd_clients,
    ):
        rates: list[float] = []
        for in_flight in at_once:
            async with posts(stack.ports, "/notifications", in_flight) as sender:
                await crowd_clients.reset()
                count = await sender.post_saturated(body(users, frame_bytes), seconds)
                rates.append(rate(count, await crowd_clients.until(count, DRAIN_SECONDS)))
        return max(rates)


def rate(count: int, statistics: dict[str, Any]) -> float:
    """Deliveries a second, all of them."""
    return check_complete(count, statistics)["entries"] / statistics["seconds"]


def check_complete(count: int, statistics: dict[str, Any]) -> dict[str, Any]:
    """The statistics, if everything arrived."""
    if statistics["entries"] != count:
        raise IncompleteDelivery(f"{statistics['entries']} of {count} frames arrived: {statistics}")
    return statistics


async def fastapi_cpu_per_frame(
    dsn: str,
    kind: Kind,
    *,
    users: int = 200,
    tabs: int = 5,
    frame_bytes: int = 512,
    frames_per_second: float = 10_000,
    seconds: float = 8,
) -> FrameCost:
    """Measure the processor time of delivery alone.

    Notifications are published to Redis directly, one to each user in turn, `tabs` frames each.
    """
    count = int(frames_per_second * seconds / tabs)
    async with (
        asyncio.timeout(LIMIT_SECONDS),
        plain_stack(dsn) as stack,
        listeners(stack, kind, users, tabs=tabs) as crowd_clients,
    ):
        await publish(
            stack.redis, users, frame_bytes, count=users, per_second=frames_per_second / tabs
        )
        await crowd_clients.until(users * tabs, DRAIN_SECONDS)
        await crowd_clients.reset()
        server, redis = CpuTime(stack.servers[0].pid), CpuTime(stack.redis.pid)
        await publish(
            stack.redis, users, frame_bytes, count=count, per_second=frames_per_second / tabs
        )
        frames = check_complete(
            count * tabs, await crowd_clients.until(count * tabs, DRAIN_SECONDS)
        )["entries"]
        return FrameCost(
            server_microseconds=server.microseconds_each(frames),
            redis_microseconds=redis.microseconds_each(frames),
        )


async def publish(
    redis: Server, users: int, frame_bytes: int, *, count: int, per_second: float
) -> None:
    """Publish `count` notifications to the users in turn, at a steady rate."""
    loop = asyncio.get_running_loop()
    payloads = [
        (channel(user), notification(user, frame_bytes, 10**15).model_dump_json())
        for user in (f"user-{n}" for n in range(users))
    ]
    async with Redis(host="127.0.0.1", port=redis.port) as connection:
        published_count, started_at = 0, loop.time()
        while published_count < count:
            due = min(count, int((loop.time() - started_at) * per_second) + 1)
            pipeline = connection.pipeline(transaction=False)
            for number in range(published_count, due):
                pipeline.publish(*payloads[number % users])
            await pipeline.execute()
            published_count = due
            await asyncio.sleep(PACE_SECONDS)


async def fastapi_memory_per_connection(dsn: str, kind: Kind, *, connections: int = 2000) -> float:
    """Measure the resident memory of the web server per idle connection, in KiB.

    The memory of Redis and the buffers of the kernel do not count.
    """
    async with asyncio.timeout(LIMIT_SECONDS), plain_stack(dsn) as stack:
        return await memory_per_connection(stack.servers[0], kind, connections)


async def memory_per_connection(server: Server, kind: Kind, connections: int) -> float:
    """KiB by which the server grows for each connection, once it has served a tenth as many."""
    async with clients(crowd(kind, connections // 10, ports=(server.port,))):
        pass
    await asyncio.sleep(WARM_UP_SECONDS)
    before = memory(server.pid)
    async with clients(crowd(kind, connections, ports=(server.port,))):
        await asyncio.sleep(WARM_UP_SECONDS)
        return (memory(server.pid).resident - before.resident) / 1024 / connections
