"""The processes of a benchmark: each is started here, dies with us, and is stopped by its id."""

import asyncio
import ctypes
import json
import os
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.clients import OPENING_SECONDS, Crowd

ROOT = Path(__file__).parents[2]
START_SECONDS = 15.0
STOP_SECONDS = 5.0
ANSWER_SECONDS = 5.0
POLL_SECONDS = 0.02
PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent() -> None:
    """Terminate this process when its parent ends; called in the child before it runs."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@asynccontextmanager
async def program(
    *command: str, environment: Mapping[str, str] | None = None, pipes: int = DEVNULL
) -> AsyncGenerator[Process]:
    """Run a program in a process group of its own until the block ends.

    `pipes` are its stdin and stdout.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=pipes,
        stdout=pipes,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    try:
        yield process
    finally:
        await stop(process)


async def stop(process: Process) -> None:
    """Terminate a process, kill it after `STOP_SECONDS`, and kill the rest of its group."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def wait_until_listening(process: Process, port: int) -> None:
    """Wait until a process accepts connections.

    Raises if it ends instead, or takes longer than `START_SECONDS`.
    """
    async with asyncio.timeout(START_SECONDS):
        while process.returncode is None:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(POLL_SECONDS)
    raise RuntimeError(
        f"the process for port {port} ended with {process.returncode} before it listened"
    )


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens on 127.0.0.1."""

    pid: int
    port: int


@asynccontextmanager
async def uvicorn(app: str, environment: Mapping[str, str] | None = None) -> AsyncGenerator[Server]:
    """Run one uvicorn process as Tidings does.

    uvloop, httptools, `websockets-sansio`, no compression, no access log.
    """
    port = free_port()
    command = (
        f"{sys.executable} -m uvicorn {app} --host 127.0.0.1 --port {port}"
        " --loop uvloop --http httptools --ws websockets-sansio"
    )
    quiet = (
        "--ws-per-message-deflate false --no-access-log --log-level warning"
        " --timeout-graceful-shutdown 1 --backlog 4096"
    )
    async with program(*command.split(), *quiet.split(), environment=environment) as process:
        await wait_until_listening(process, port)
        yield Server(process.pid, port)


@asynccontextmanager
async def redis_server() -> AsyncGenerator[Server]:
    """A Redis on a free port that keeps nothing on disk."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tidings-redis-") as directory:
        options = (
            f"--bind 127.0.0.1 --port {port} --dir {directory} --appendonly no"
            " --maxclients 20000 --loglevel warning --daemonize no"
        )
        async with program("redis-server", *options.split(), "--save", "") as process:
            await wait_until_listening(process, port)
            yield Server(process.pid, port)


class Clients:
    """A crowd in a process of its own, connected and ready.

    `opened` holds the `seconds` that opening took, and the statistics of `opening`.
    """

    def __init__(self, process: Process) -> None:
        assert process.stdin and process.stdout
        self.pid, self.stdin, self.stdout = process.pid, process.stdin, process.stdout
        self.opened: dict[str, Any] = {}

    async def answer(self, seconds: float) -> dict[str, Any]:
        """Return the next line that it prints; raise TimeoutError, or EOFError if it ended."""
        line = await asyncio.wait_for(self.stdout.readline(), seconds)
        if not line:
            raise EOFError("the clients ended early; their reason is on stderr")
        return json.loads(line)

    async def reset(self) -> None:
        """Count from zero."""
        self.stdin.write(b"reset\n")
        await self.answer(ANSWER_SECONDS)

    async def until(self, entries: int, seconds: float) -> dict[str, Any]:
        """Wait for entries since the reset, or for a limit; return `Tally.statistics`."""
        self.stdin.write(f"until {entries} {seconds}\n".encode())
        return await self.answer(seconds + ANSWER_SECONDS)


@asynccontextmanager
async def clients(crowd: Crowd) -> AsyncGenerator[Clients]:
    """Run a crowd whose connections are open, with their first frame received, during the block."""
    command = (sys.executable, "-m", "tests.benchmarks.clients", "--hold", *crowd.flags())
    async with program(*command, pipes=PIPE) as process:
        crowd_clients = Clients(process)
        crowd_clients.opened = await crowd_clients.answer(OPENING_SECONDS + ANSWER_SECONDS)
        yield crowd_clients
