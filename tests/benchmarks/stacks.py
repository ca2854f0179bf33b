"""The peers behind one interface: where clients connect, how to deliver, which processes count."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from redis.asyncio import Redis
from tidings.runtime.embedded.servers import run_postgres

from tests.benchmarks import nchan, socketio
from tests.benchmarks.clients import Crowd
from tests.benchmarks.measure import process_tree
from tests.benchmarks.plain_stack import COUNTS, PACE_SECONDS, Kind, plain_stack
from tests.benchmarks.posts import Posts, posts

POSTS_IN_FLIGHT = 16


class Stack(NamedTuple):
    """A running peer: `server` holds the connections, `pids` are all processes that deliver.

    `deliver(count, users, per_second)` notifies the users in turn, and stamps each message with its
    due time.
    """

    server: int
    pids: tuple[int, ...]
    crowd: Crowd
    deliver: Callable[[int, int, float], Awaitable[object]]


class Peer(NamedTuple):
    """A peer that can be started unless something is `missing`."""

    name: str
    kinds: tuple[Kind, ...]
    missing: str | None
    run: Callable[[int], AbstractAsyncContextManager[Stack]]
    """With notifications of so many bytes."""
    connections_limit: int = 10_000


def body(sent_ns: int | str, size_bytes: int) -> bytes:
    """A notification of a size."""
    bare = {
        "type": "announcement.published",
        "title": "Task assigned",
        "data": {"sent_ns": sent_ns},
        "message": "",
    }
    return json.dumps(
        {**bare, "message": "x" * max(0, size_bytes - len(json.dumps(bare)))}
    ).encode()


@asynccontextmanager
async def fastapi(frame_bytes: int) -> AsyncGenerator[Stack]:
    """Run FastAPI + Redis; delivery starts at the message to Redis, without the row."""
    async with AsyncExitStack() as running:
        directory = Path(
            running.enter_context(tempfile.TemporaryDirectory(prefix="tidings-bench-"))
        )
        postgres = await running.enter_async_context(run_postgres(directory))
        stack = await running.enter_async_context(plain_stack(postgres.dsn))
        connection = await running.enter_async_context(
            Redis(host="127.0.0.1", port=stack.redis.port)
        )

        async def deliver(count: int, users: int, per_second: float) -> None:
            started_at, sent_count = time.monotonic_ns(), 0
            while sent_count < count:
                next_count = min(
                    count, int((time.monotonic_ns() - started_at) / 1e9 * per_second) + 1
                )
                pipeline = connection.pipeline(transaction=False)
                for number in range(sent_count, next_count):
                    pipeline.publish(
                        f"user:user-{number % users}",
                        body(started_at + int(number * 1e9 / per_second), frame_bytes),
                    )
                await pipeline.execute()
                sent_count = next_count
                await asyncio.sleep(PACE_SECONDS)

        (server,) = stack.servers
        crowd = Crowd(ports=(server.port,), counts=COUNTS, stamp="sent_ns")
        yield Stack(server.pid, (server.pid, stack.redis.pid), crowd, deliver)


@asynccontextmanager
async def socket_io(frame_bytes: int) -> AsyncGenerator[Stack]:
    """Run Socket.IO in one process with recovery in its memory.

    It emits from within the process, which is its lowest cost.
    """
    async with socketio.socketio() as server:

        async def deliver(count: int, users: int, per_second: float) -> None:
            path = f"/write?count={count}&per_second={per_second}&users={users}"
            async with posts((server.port,), path, 1) as control:
                await control.post(body("STAMP", frame_bytes))

        path, say = "/socket.io/?EIO=4&transport=websocket", '40{"user":"{user}"}'
        crowd = Crowd(
            ports=(server.port,),
            websocket_path=path,
            say=say,
            ready="^40",
            counts=COUNTS,
            stamp="sent_ns",
        )
        yield Stack(server.pid, (server.pid,), crowd, deliver)


@asynccontextmanager
async def nchan_in_nginx(frame_bytes: int) -> AsyncGenerator[Stack]:
    """Nchan with one worker, messages in its memory; each is posted to it over HTTP."""
    async with nchan.nchan() as server:
        crowd = Crowd(
            ports=(server.port,),
            websocket_path="/listen?user={user}",
            stream_path="/listen?user={user}",
            counts=COUNTS,
            stamp="sent_ns",
            greeted=False,
        )

        async def deliver(count: int, users: int, per_second: float) -> None:
            async with posts((server.port,), "/send", POSTS_IN_FLIGHT) as sender:
                await _paced(sender, frame_bytes, count, users, per_second)

        await deliver(1, 1, 1.0)  # the answer comes from a worker, so that a worker has started
        _, worker = process_tree(server.pid)
        yield Stack(worker, (server.pid,), crowd, deliver)


async def _paced(
    sender: Posts, frame_bytes: int, count: int, users: int, per_second: float
) -> None:
    started_at = time.monotonic_ns()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            due = started_at + int(number * 1e9 / per_second)
            await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
            group.create_task(sender.post(body(due, frame_bytes), f"?user=user-{number % users}"))


PEERS = (
    # each connection takes another one to Redis, and a process may open 20 000 files here
    Peer(
        "FastAPI + Redis",
        ("websocket", "stream"),
        None if shutil.which("redis-server") else "redis-server not installed",
        fastapi,
        connections_limit=9000,
    ),
    Peer("Socket.IO", ("websocket",), socketio.missing(), socket_io),
    Peer("Nchan", ("websocket", "stream"), nchan.missing(), nchan_in_nginx),
)
