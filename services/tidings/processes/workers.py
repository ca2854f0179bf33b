"""Workers: several processes of one service on one port, each started again when it dies."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager

import msgspec
from tidings.processes.compose import print_ready
from tidings.processes.up import ServiceProcess, supervise_processes
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import environment_of


async def run_workers(settings: Settings, name: str, count: int) -> None:
    """Run `count` processes until cancelled; the kernel spreads connections (`SO_REUSEPORT`).

    Raises InvalidSettings.
    """
    with _reserve_port(settings.host, settings.port) as port:
        environment = {
            **os.environ,
            **environment_of(msgspec.structs.replace(settings, port=port, reuse_port=True)),
        }
        children = [ServiceProcess((name,), environment, sys.stderr.buffer) for _ in range(count)]
        async with supervise_processes(children):
            await asyncio.gather(*(child.ready.wait() for child in children))
            print_ready(f"http://{settings.host}:{port}")
            await asyncio.Event().wait()


@contextmanager
def _reserve_port(host: str, port: int) -> Generator[int]:
    """Bind a port, any free one for 0, and yield it.

    This socket does not listen, so every connection goes to a worker.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            reserved.bind((host, port))
        except OSError as error:
            raise InvalidSettings(
                f"cannot listen on {host}:{port}: {error.strerror};"
                " choose another TIDINGS_PORT, or 0"
            ) from None
        yield reserved.getsockname()[1]
