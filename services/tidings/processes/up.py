"""Up: runs the embedded servers and every service, and restarts what dies."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
from tidings.runtime.embedded.child import LAUNCHER
from tidings.runtime.embedded.data_directory import locked
from tidings.runtime.embedded.servers import run_nats, run_postgres
from tidings.runtime.errors import Permanent
from tidings.runtime.http.listener import bind_listener
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import environment_of, running_file_of

SERVICES = (("notifier",), ("projector",), ("web",))
READY_SECONDS = 120.0
STOP_SECONDS = 20.0
RESTART_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
LOG_LIMIT_BYTES = 10 * 1024 * 1024

log = logging.getLogger("tidings.up")


class ServiceNotReady(Permanent):
    """A service does not become ready."""


@asynccontextmanager
async def run_everything(settings: Settings) -> AsyncGenerator[str]:
    """Run everything while the block lasts; yields the base URL once every service is ready."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(locked(settings.data_dir))
        nats_url = settings.nats_url or (await stack.enter_async_context(run_nats(directory))).url
        postgres_dsn = (
            settings.postgres_dsn or (await stack.enter_async_context(run_postgres(directory))).dsn
        )
        with bind_listener(
            settings.host, settings.port, settings.idle_peer_timeout_seconds
        ) as listener:
            port = listener.getsockname()[1]
        url = f"http://{settings.host}:{port}"
        running = {
            "nats_url": nats_url,
            "postgres_dsn": postgres_dsn,
            "jwt_secret": settings.jwt_secret or _signing_secret(directory),
            "client_url": url,
        }
        services_log = stack.enter_context(_open_log(directory))
        environment = {
            **os.environ,
            **environment_of(
                msgspec.structs.replace(settings, **running, port=port, data_dir=directory)
            ),
        }
        children = [ServiceProcess(command, environment, services_log) for command in SERVICES]
        await stack.enter_async_context(supervise_processes(children))
        await _wait_until_ready(children, directory)
        stack.enter_context(_running_file(directory, running))
        yield url


class ServiceProcess:
    """One service's process, restarted when it ends."""

    def __init__(
        self, command: tuple[str, ...], environment: dict[str, str], output: BinaryIO
    ) -> None:
        self.name = command[0]
        self.ready = asyncio.Event()
        self._command = command
        self._environment = environment
        self._output = output

    async def supervise(self) -> None:
        """Start the process, and again whenever it ends, until cancelled."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            code = await self._run_once()
            failures = (
                1 if asyncio.get_running_loop().time() - began > READY_SECONDS else failures + 1
            )
            wait = RESTART_SECONDS[min(failures, len(RESTART_SECONDS)) - 1]
            log.warning(
                "%s ended with exit code %s; starting it again in %.1f s", self.name, code, wait
            )
            await asyncio.sleep(wait)

    async def _run_once(self) -> int:
        launcher = (
            sys.executable,
            "-I",
            "-S",
            str(LAUNCHER),
            str(os.getpid()),
            str(int(signal.SIGTERM)),
            "-",
        )
        process = await asyncio.create_subprocess_exec(
            *launcher,
            *(sys.executable, "-m", "tidings.cli", *self._command),
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._output,
            start_new_session=True,
        )
        try:
            await self._watch_output(process)
            return await process.wait()
        finally:
            await _stop(process)

    async def _watch_output(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        while line := await process.stdout.readline():
            if line.startswith(b"ready"):
                self.ready.set()


@asynccontextmanager
async def supervise_processes(children: list[ServiceProcess]) -> AsyncGenerator[None]:
    """Keep the processes of services running inside the block."""
    tasks = [asyncio.create_task(child.supervise(), name=child.name) for child in children]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _wait_until_ready(children: list[ServiceProcess], directory: Path) -> None:
    for child in children:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await child.ready.wait()
        except TimeoutError:
            raise ServiceNotReady(
                f"{child.name} is not ready after {READY_SECONDS:.0f} s;"
                f" see {directory / 'services.log'}"
            ) from None


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask a process to stop; kill it when it does not."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(process.wait()), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


def _signing_secret(directory: Path) -> str:
    """Return this installation's own secret for signing tokens; it is made once."""
    file = directory / "jwt_secret"
    if not file.exists():
        _write_file(file, secrets.token_urlsafe(48))
    return file.read_text()


@contextmanager
def _running_file(directory: Path, running: dict[str, str]) -> Generator[None]:
    """Write how other commands reach what runs here; removes it at the end of the block."""
    file = running_file_of(directory)
    _write_file(file, json.dumps(running))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _write_file(file: Path, text: str) -> None:
    """Write a file whole or not at all, readable by this account alone."""
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
    draft.replace(file)


def _open_log(directory: Path) -> BinaryIO:
    file = directory / "services.log"
    too_long = file.exists() and file.stat().st_size > LOG_LIMIT_BYTES
    return file.open("wb" if too_long else "ab")
