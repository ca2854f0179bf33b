"""Workers: several processes of one service on one port, each started again when it dies."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Generator
from contextlib import contextmanager

import msgspec
from tidings.client.addresses import http_url
from tidings.processes.readiness import print_ready
from tidings.processes.up import ServiceProcess, child_environment, supervise_processes
from tidings.runtime.http.listener import bind_socket
from tidings.runtime.settings import Settings


async def run_workers(settings: Settings, name: str, count: int) -> None:
    """Run `count` processes until cancelled; the kernel spreads connections (`SO_REUSEPORT`).

    Raises InvalidSettings.
    """
    with _reserve_port(settings.host, settings.port) as port:
        started = msgspec.structs.replace(settings, port=port, reuse_port=True)
        children = [
            ServiceProcess((name,), child_environment(started, index), sys.stderr.buffer)
            for index in range(count)
        ]
        async with supervise_processes(children):
            await asyncio.gather(*(child.ready.wait() for child in children))
            print_ready(http_url(settings.host, port))
            await asyncio.Event().wait()


@contextmanager
def _reserve_port(host: str, port: int) -> Generator[int]:
    """Bind a port, any free one for 0, and yield it.

    This socket does not listen, so every connection goes to a worker.
    """
    with bind_socket(host, port, reuse_port=True) as reserved:
        yield reserved.getsockname()[1]
