"""Up: runs the embedded servers and every service, and restarts what dies."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
from tidings.client.addresses import http_url
from tidings.processes.mailbox_ports import MailboxPorts
from tidings.processes.upgrade import fit_read_models
from tidings.runtime.embedded.child import LAUNCHER
from tidings.runtime.embedded.data_directory import locked
from tidings.runtime.embedded.servers import run_nats, run_postgres
from tidings.runtime.errors import Permanent
from tidings.runtime.http.listener import ListenerNames, bind_socket
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import environment_of, running_file_of
from tidings.runtime.vapid import new_vapid_key

SERVICES = (("notifier",), ("projector",), ("web",))
CHANNELS = ("channels",)
"""Runs besides if a channel is configured."""
READY_SECONDS = 120.0
STOP_SECONDS = 20.0
RESTART_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
LOG_LIMIT_BYTES = 10 * 1024 * 1024

log = logging.getLogger("tidings.up")


class ServiceNotReady(Permanent):
    """A service does not become ready."""


@asynccontextmanager
async def run_everything(
    settings: Settings,
    *,
    rebuild: bool = False,
    lower_limits: bool = False,
    say: Callable[[str], None] = log.info,
) -> AsyncGenerator[str]:
    """Run everything while the block lasts; yields the base URL once every service is ready.

    Read models of another version are rebuilt first, and with `rebuild` those that do not fit the
    log; `say` takes the lines about it. With `lower_limits` the settings may lower limits of the
    streams, which deletes what exceeds them. Raises ServiceNotReady or another TidingsError.
    """
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(locked(settings.data_dir))
        secret = settings.jwt_secret or _kept_secret(directory, "jwt_secret")
        msgspec.structs.replace(settings, jwt_secret=secret).check_services()
        vapid_key = settings.vapid_private_key or kept_vapid_key(settings, directory)
        port = _choose_port(settings)
        nats_url = settings.nats_url or (await stack.enter_async_context(run_nats(directory))).url
        postgres_dsn = (
            settings.postgres_dsn or (await stack.enter_async_context(run_postgres(directory))).dsn
        )
        url = http_url(settings.host, port)
        running: dict[str, str | int] = {
            "nats_url": nats_url,
            "postgres_dsn": postgres_dsn,
            "jwt_secret": secret,
            "client_url": url,
        }
        if mailbox := MailboxPorts.choose(settings):
            settings = msgspec.structs.replace(settings, smtp_user="")  # it knows no login
            running |= mailbox.settings
            running |= {
                "channel_secret": settings.channel_secret
                or _kept_secret(directory, "channel_secret"),
                "public_url": settings.public_url or url,
            }
        services_log = stack.enter_context(_open_log(directory))
        started = msgspec.structs.replace(
            settings, **running, port=port, data_dir=directory, vapid_private_key=vapid_key
        )
        await fit_read_models(started, rebuild=rebuild, lower_limits=lower_limits, say=say)
        children = [
            ServiceProcess(command, child_environment(started, index), services_log)
            for index, command in enumerate(
                (*services_of(started), *((mailbox.command,) if mailbox else ()))
            )
        ]
        await stack.enter_async_context(supervise_processes(children))
        await _wait_until_ready(children, directory)
        stack.enter_context(_running_file(directory, running))
        yield url


def services_of(settings: Settings) -> tuple[tuple[str, ...], ...]:
    """Return the commands of the services that the settings need."""
    has_channels = settings.smtp_host or settings.has_pushes or settings.webhooks
    return (*SERVICES, CHANNELS) if has_channels else SERVICES


def _choose_port(settings: Settings) -> int:
    """Return the port to serve on, a free one for 0; raises InvalidSettings."""
    names = ListenerNames("--host", "--port")
    with bind_socket(settings.host, settings.port, reuse_port=False, names=names) as probe:
        probe.listen()
        return probe.getsockname()[1]


def child_environment(settings: Settings, index: int) -> dict[str, str]:
    """Return the environment of one of several children that get the same settings.

    They cannot share `metrics_port`: each one after the first takes the next port. With 0 each
    chooses a free one.
    """
    port = settings.metrics_port + index if settings.metrics_port else settings.metrics_port
    return {
        **os.environ,
        **environment_of(msgspec.structs.replace(settings, metrics_port=port)),
    }


class ServiceProcess:
    """One service's process, restarted when it ends."""

    def __init__(
        self, command: tuple[str, ...], environment: dict[str, str], output: BinaryIO
    ) -> None:
        self.name = command[0]
        self.ready = asyncio.Event()
        self.ended_for_good = asyncio.Event()
        self.reason = ""
        self._command = command
        self._environment = environment
        self._output = output

    async def supervise(self) -> None:
        """Start the process, and again whenever it ends, until cancelled."""
        failures, reported = 0, ""
        while True:
            began = asyncio.get_running_loop().time()
            code = await self._run_once()
            failures = (
                1 if asyncio.get_running_loop().time() - began > READY_SECONDS else failures + 1
            )
            wait = RESTART_SECONDS[min(failures, len(RESTART_SECONDS)) - 1]
            outcome = self.reason or f"exit code {code}"
            # The same reason again and again would hide all other lines.
            level = logging.DEBUG if outcome == reported else logging.WARNING
            log.log(level, "%s ended: %s; starting it again in %.1f s", self.name, outcome, wait)
            reported = outcome
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
            *(sys.executable, "-P", "-m", "tidings.cli", *self._command),
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
                self.reason = ""
                self.ready.set()
            elif line.startswith(b"failed "):
                self.reason = line.decode(errors="replace").removeprefix("failed ").strip()
                self.ended_for_good.set()


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
        outcomes = [
            asyncio.ensure_future(each.wait()) for each in (child.ready, child.ended_for_good)
        ]
        await asyncio.wait(outcomes, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for outcome in outcomes:
            outcome.cancel()
        if child.ended_for_good.is_set() and not child.ready.is_set():
            raise ServiceNotReady(f"{child.name} cannot start: {child.reason}")
        if not child.ready.is_set():
            raise ServiceNotReady(
                f"{child.name} is not ready after {READY_SECONDS:.0f} s;"
                f" see {directory / 'services.log'}"
            )


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


def _kept_secret(directory: Path, name: str) -> str:
    """Return a secret of this installation alone; it is made once."""
    file = directory / name
    if not file.exists():
        _write_file(file, secrets.token_urlsafe(48))
    return file.read_text()


def kept_vapid_key(settings: Settings, directory: Path) -> str | None:
    """Return this installation's own key for web pushes, made once; none without a subject."""
    if settings.vapid_subject is None:
        return None
    file = directory / "vapid_private_key"
    if not file.exists():
        _write_file(file, new_vapid_key())
    return file.read_text()


@contextmanager
def _running_file(directory: Path, running: dict[str, str | int]) -> Generator[None]:
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
