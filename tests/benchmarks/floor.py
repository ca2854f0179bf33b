"""Measure the floor (`peers/bare_asgi.py`): the cost of uvicorn, uvloop and the kernel alone."""

import asyncio

from tests.benchmarks.measure import CpuTime
from tests.benchmarks.plain_stack import (
    DRAIN_SECONDS,
    LIMIT_SECONDS,
    Kind,
    check_complete,
    crowd,
    memory_per_connection,
)
from tests.benchmarks.posts import posts
from tests.benchmarks.processes import clients, uvicorn

APP = "tests.benchmarks.peers.bare_asgi:app"


def frame(frame_bytes: int) -> bytes:
    """Return a frame of so many bytes that the crowd counts."""
    return b'{"sent_ns":0}'.ljust(frame_bytes)


async def bare_asgi_cpu_per_frame(
    kind: Kind,
    *,
    users: int = 200,
    tabs: int = 5,
    frame_bytes: int = 512,
    frames_per_second: float = 10_000,
    seconds: float = 8,
    burst: int | None = None,
) -> float:
    """Measure the processor microseconds per frame written to `users` × `tabs` connections in turn.

    Frames are written `burst` (normally `tabs`) at a time.
    """
    count, wake = int(frames_per_second * seconds), burst or tabs
    async with asyncio.timeout(LIMIT_SECONDS), uvicorn(APP) as server:
        listeners = crowd(kind, users * tabs, ports=(server.port,), per_user=tabs)
        path = f"/write?kind={kind}&per_second={frames_per_second}&burst={wake}&count="
        async with clients(listeners) as crowd_clients:
            await write(server.port, f"{path}{users * tabs}", frame(frame_bytes))
            await crowd_clients.until(users * tabs, DRAIN_SECONDS)
            await crowd_clients.reset()
            cpu_time = CpuTime(server.pid)
            await write(server.port, f"{path}{count}", frame(frame_bytes))
            return cpu_time.microseconds_each(
                check_complete(count, await crowd_clients.until(count, DRAIN_SECONDS))["frames"]
            )


async def write(port: int, path: str, body: bytes) -> None:
    """Send one control call, which returns when everything is written."""
    async with posts((port,), path, 1) as control:
        await control.post(body)


async def bare_asgi_memory_per_connection(kind: Kind, *, connections: int = 5000) -> float:
    """Measure the resident memory per idle connection, in KiB, without kernel buffers."""
    async with asyncio.timeout(LIMIT_SECONDS), uvicorn(APP) as server:
        return await memory_per_connection(server, kind, connections)
