"""Figures of the floor (`peers/bare_asgi.py`): what uvicorn, uvloop and the kernel take before any application does anything."""

import asyncio

from tests.benchmarks.measure import CpuTime
from tests.benchmarks.plain_stack import (
    DRAIN_SECONDS,
    LIMIT_SECONDS,
    Kind,
    complete,
    crowd,
    memory_per_connection,
)
from tests.benchmarks.posts import posts
from tests.benchmarks.processes import clients, uvicorn

APP = "tests.benchmarks.peers.bare_asgi:app"


def frame(frame_bytes: int) -> bytes:
    """A frame of so many bytes that the crowd counts."""
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
    """Processor microseconds for each frame written to `users` × `tabs` connections in turn, `burst` (normally `tabs`) at a time."""
    count, wake = int(frames_per_second * seconds), burst or tabs
    async with asyncio.timeout(LIMIT_SECONDS), uvicorn(APP) as server:
        listeners = crowd(kind, users * tabs, ports=(server.port,), per_user=tabs)
        path = f"/write?kind={kind}&per_second={frames_per_second}&burst={wake}&count="
        async with clients(listeners) as connected:
            await write(server.port, f"{path}{users * tabs}", frame(frame_bytes))
            await connected.until(users * tabs, DRAIN_SECONDS)
            await connected.reset()
            used = CpuTime(server.pid)
            await write(server.port, f"{path}{count}", frame(frame_bytes))
            return used.microseconds_each(
                complete(count, await connected.until(count, DRAIN_SECONDS))["frames"]
            )


async def write(port: int, path: str, body: bytes) -> None:
    """One control call, until all is written."""
    async with posts((port,), path, 1) as control:
        await control.post(body)


async def bare_asgi_memory_per_connection(kind: Kind, *, connections: int = 5000) -> float:
    """KiB of resident memory for each idle connection (the kernel's buffers not counted)."""
    async with asyncio.timeout(LIMIT_SECONDS), uvicorn(APP) as server:
        return await memory_per_connection(server, kind, connections)
