"""Workers: several processes of one service on one port, each started again when it dies."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager

import msgspec
from tidings.processes.compose import announce
from tidings.processes.up import Service, kept
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings, variables


async def workers(settings: Settings, name: str, count: int) -> None:
    """Run so many until cancelled; the kernel spreads the connections over them (`SO_REUSEPORT`). Raises InvalidSettings."""
    with _reserved(settings.host, settings.port) as port:
        environment = {
            **os.environ,
            **variables(msgspec.structs.replace(settings, port=port, reuse_port=True)),
        }
        children = [Service((name,), environment, sys.stderr.buffer) for _ in range(count)]
        async with kept(children):
            await asyncio.gather(*(child.ready.wait() for child in children))
            announce(f"http://{settings.host}:{port}")
            await asyncio.Event().wait()


@contextmanager
def _reserved(host: str, port: int) -> Generator[int]:
    """A port that is ours, any free one for 0; it is bound, but nobody listens here, so every connection goes to a worker."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            reserved.bind((host, port))
        except OSError as error:
            raise InvalidSettings(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another TIDINGS_PORT, or 0"
            ) from None
        yield reserved.getsockname()[1]
