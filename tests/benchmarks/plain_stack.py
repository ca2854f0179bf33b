"""Figures of the plain stack (`peers/fastapi_redis.py`): its latency, its highest rate, its processor time and memory.

Every function starts its own Redis and uvicorn, uses the Postgres of the given DSN (schema `plain_stack`, dropped at the end), takes
less than `LIMIT_SECONDS`, and raises `Incomplete` rather than return a figure made of half the frames.
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


class Incomplete(Exception):
    """Fewer frames arrived than were sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCost:
    """Processor microseconds for each delivered frame: the web server's and Redis's."""

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
    """So many connections of one kind that count notifications."""
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
    """`tabs` connections for each user of the stack."""
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

    def posted(number: int, sent_ns: int) -> bytes:
        fields = {
            "user_id": f"user-{number % users}",
            "title": "Task assigned",
            "message": message,
            "data": {"sent_ns": sent_ns},
        }
        return json.dumps(fields).encode()

    return posted


async def fastapi_latency(
    dsn: str,
    kind: Kind = "stream",
    *,
    users: int = 500,
    per_second: float = 200,
    seconds: float = 10,
    frame_bytes: int = 512,
) -> Latency:
    """From a POST falling due to its frame read by the client, at a steady rate, one connection a user."""
    async with AsyncExitStack() as running:
        await running.enter_async_context(asyncio.timeout(LIMIT_SECONDS))
        stack = await running.enter_async_context(plain_stack(dsn))
        connected = await running.enter_async_context(
            listeners(stack, kind, users, stamp="sent_ns")
        )
        sender = await running.enter_async_context(
            posts(stack.ports, "/notifications", POSTS_IN_FLIGHT)
        )
        await connected.until(
            await sender.paced(body(users, frame_bytes), per_second, WARM_UP_SECONDS), DRAIN_SECONDS
        )
        await connected.reset()
        sent = await sender.paced(body(users, frame_bytes), per_second, seconds)
        return latency(sent, await connected.until(sent, DRAIN_SECONDS))


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
    """Notifications a second through POST, row, pub/sub and socket: the best over numbers of posts in flight, each tried for `seconds`."""
    async with (
        asyncio.timeout(LIMIT_SECONDS),
        plain_stack(dsn, processes) as stack,
        listeners(stack, kind, users) as connected,
    ):
        rates: list[float] = []
        for in_flight in at_once:
            async with posts(stack.ports, "/notifications", in_flight) as sender:
                await connected.reset()
                sent = await sender.saturated(body(users, frame_bytes), seconds)
                rates.append(rate(sent, await connected.until(sent, DRAIN_SECONDS)))
        return max(rates)


def rate(sent: int, statistics: dict[str, Any]) -> float:
    """Deliveries a second, all of them."""
    return complete(sent, statistics)["entries"] / statistics["seconds"]


def complete(sent: int, statistics: dict[str, Any]) -> dict[str, Any]:
    """The statistics, if everything arrived."""
    if statistics["entries"] != sent:
        raise Incomplete(f"{statistics['entries']} of {sent} frames arrived: {statistics}")
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
    """The cost of delivery alone: notifications are published straight to Redis, one to each user in turn, `tabs` frames each."""
    count = int(frames_per_second * seconds / tabs)
    async with (
        asyncio.timeout(LIMIT_SECONDS),
        plain_stack(dsn) as stack,
        listeners(stack, kind, users, tabs=tabs) as connected,
    ):
        await publish(
            stack.redis, users, frame_bytes, count=users, per_second=frames_per_second / tabs
        )
        await connected.until(users * tabs, DRAIN_SECONDS)
        await connected.reset()
        server, redis = CpuTime(stack.servers[0].pid), CpuTime(stack.redis.pid)
        await publish(
            stack.redis, users, frame_bytes, count=count, per_second=frames_per_second / tabs
        )
        frames = complete(count * tabs, await connected.until(count * tabs, DRAIN_SECONDS))[
            "entries"
        ]
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
        published, started = 0, loop.time()
        while published < count:
            due = min(count, int((loop.time() - started) * per_second) + 1)
            pipeline = connection.pipeline(transaction=False)
            for number in range(published, due):
                pipeline.publish(*payloads[number % users])
            await pipeline.execute()
            published = due
            await asyncio.sleep(PACE_SECONDS)


async def fastapi_memory_per_connection(dsn: str, kind: Kind, *, connections: int = 2000) -> float:
    """KiB of resident memory of the web server for each idle connection (Redis's own and the kernel's not counted)."""
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
