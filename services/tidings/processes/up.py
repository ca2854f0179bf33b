"""Up: the embedded servers and every service under one roof, each started again when it dies."""

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
from tidings.runtime.child import LAUNCHER
from tidings.runtime.data_directory import held
from tidings.runtime.embedded import embedded_nats, embedded_postgres
from tidings.runtime.errors import Permanent
from tidings.runtime.listener import bind
from tidings.runtime.settings import Settings, running_file, variables

SERVICES = (("notifier",), ("projector",), ("web",))
READY_SECONDS = 120.0
STOP_SECONDS = 20.0
RESTART_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
LOG_LIMIT_BYTES = 10 * 1024 * 1024

log = logging.getLogger("tidings.up")


class NotReady(Permanent):
    """A service does not become ready."""


@asynccontextmanager
async def up(settings: Settings) -> AsyncGenerator[str]:
    """Run everything while the block lasts; yields the base URL once every service is ready."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(held(settings.data_dir))
        nats_url = (
            settings.nats_url or (await stack.enter_async_context(embedded_nats(directory))).url
        )
        postgres_dsn = (
            settings.postgres_dsn
            or (await stack.enter_async_context(embedded_postgres(directory))).dsn
        )
        with bind(settings.host, settings.port, settings.stale_seconds) as listener:
            port = listener.getsockname()[1]
        url = f"http://{settings.host}:{port}"
        running = {
            "nats_url": nats_url,
            "postgres_dsn": postgres_dsn,
            "jwt_secret": settings.jwt_secret or _secret(directory),
            "url": url,
        }
        services_log = stack.enter_context(_log(directory))
        environment = {
            **os.environ,
            **variables(
                msgspec.structs.replace(settings, **running, port=port, data_dir=directory)
            ),
        }
        children = [Service(command, environment, services_log) for command in SERVICES]
        await stack.enter_async_context(kept(children))
        await _all_ready(children, directory)
        stack.enter_context(_told(directory, running))
        yield url


class Service:
    """One service's process, for as long as it is kept."""

    def __init__(
        self, command: tuple[str, ...], environment: dict[str, str], output: BinaryIO
    ) -> None:
        self.name = command[0]
        self.ready = asyncio.Event()
        self._command = command
        self._environment = environment
        self._output = output

    async def keep(self) -> None:
        """Start it, and start it again whenever it ends, until cancelled."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            code = await self._live()
            failures = (
                1 if asyncio.get_running_loop().time() - began > READY_SECONDS else failures + 1
            )
            wait = RESTART_SECONDS[min(failures, len(RESTART_SECONDS)) - 1]
            log.warning(
                "%s ended with exit code %s; starting it again in %.1f s", self.name, code, wait
            )
            await asyncio.sleep(wait)

    async def _live(self) -> int:
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
            await self._listen(process)
            return await process.wait()
        finally:
            await _stopped(process)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        while line := await process.stdout.readline():
            if line.startswith(b"ready"):
                self.ready.set()


@asynccontextmanager
async def kept(children: list[Service]) -> AsyncGenerator[None]:
    """Keep these services' processes while the block lasts."""
    tasks = [asyncio.create_task(child.keep(), name=child.name) for child in children]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _all_ready(children: list[Service], directory: Path) -> None:
    for child in children:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await child.ready.wait()
        except TimeoutError:
            raise NotReady(
                f"{child.name} is not ready after {READY_SECONDS:.0f} s; see {directory / 'services.log'}"
            ) from None


async def _stopped(process: asyncio.subprocess.Process) -> None:
    """Ask it to stop; kill it when it does not."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(process.wait()), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


def _secret(directory: Path) -> str:
    """A secret of this installation's own, for signing tokens; made once."""
    file = directory / "jwt_secret"
    if not file.exists():
        _write(file, secrets.token_urlsafe(48))
    return file.read_text()


@contextmanager
def _told(directory: Path, running: dict[str, str]) -> Generator[None]:
    """Tell other commands how to reach what runs here, for as long as it runs."""
    file = running_file(directory)
    _write(file, json.dumps(running))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    """Write whole or not at all, readable by us alone."""
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
    draft.replace(file)


def _log(directory: Path) -> BinaryIO:
    file = directory / "services.log"
    too_long = file.exists() and file.stat().st_size > LOG_LIMIT_BYTES
    return file.open("wb" if too_long else "ab")
