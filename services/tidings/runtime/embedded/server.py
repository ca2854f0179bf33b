"""A server run from its own directory, which can be restarted on the same port and data.

data_dir/<name>/   server.log   its output, locked as long as any of its processes lives
                   server.pid   the process to stop if an earlier run left it
                   port, password
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, ClassVar

from tidings.runtime.embedded.child import Child
from tidings.runtime.errors import Unavailable

START_TIMEOUT_SECONDS = 300
ANSWER_TIMEOUT_SECONDS = 5
LEFT_OVER_TIMEOUT_SECONDS = 15
POLL_INTERVAL_SECONDS = 0.01
LOG_LIMIT_BYTES = 10_000_000
LOG_END_BYTES = 2_000


class ServerFailed(Unavailable):
    """A server did not start."""


class LeftOverServer(Unavailable):
    """A server that an earlier run left does not end."""


class EmbeddedServer(ABC):
    """A server that this process starts, stops and restarts."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, data_dir: Path, port: int) -> None:
        """Describe a server without starting it; `start` needs the data directory's lock."""
        self.directory = data_dir.absolute() / self.name
        self.port = port
        self._child: Child | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._child is not None and self._child.exit_code is None

    @property
    def pid(self) -> int:
        """The pid of the process that was started last."""
        return self._require_child().pid

    async def start(self) -> None:
        """Start it and wait until it answers; raises ServerFailed or LeftOverServer.

        Does nothing if it runs.
        """
        if self.is_running:
            return
        try:
            with await locked_log(self.directory, self.stop_signal) as log:
                self._child = await self._launch(log)
            (self.directory / "server.pid").write_text(str(self.pid))
        except OSError as error:
            await self.stop()
            raise ServerFailed(
                f"{self.name} cannot write to {self.directory}: {error.strerror or error};"
                " give the disk room, or choose another TIDINGS_DATA_DIR"
            ) from error
        try:
            await self._wait_until_ready(self._child)
        except BaseException:
            self.kill()
            raise

    async def stop(self) -> None:
        """Stop it by its stop signal, if it runs."""
        if self.is_running:
            await self._require_child().stop()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._require_child().kill()

    async def wait(self) -> int:
        """Wait until it exits; return its exit code."""
        return await self._require_child().wait()

    async def frozen_reason(self) -> str | None:
        """Return why it answers but stores nothing until it is restarted; None if it works."""
        return None

    @abstractmethod
    async def _launch(self, log: BinaryIO) -> Child: ...

    @abstractmethod
    async def _is_ready(self) -> bool: ...

    async def _wait_until_ready(self, child: Child) -> None:
        """Wait until it answers; raises ServerFailed when it exits.

        The timeout is long, because recovery after a crash takes minutes and would start over.
        """
        if not await child.completes_work(self._poll_until_ready(), START_TIMEOUT_SECONDS):
            raise self._failure(child)

    async def _poll_until_ready(self) -> None:
        while True:
            if await self._is_ready():
                return
            await asyncio.sleep(POLL_INTERVAL_SECONDS)

    def _failure(self, child: Child) -> ServerFailed:
        outcome = (
            f"did not answer on port {self.port}"
            if child.exit_code is None
            else f"ended with exit code {child.exit_code}"
        )
        return ServerFailed(
            f"{self.name} {outcome}; the end of {self.directory / 'server.log'}:\n"
            f"{_end_of_log(self.directory)}"
        )

    def _require_child(self) -> Child:
        if self._child is None:
            raise RuntimeError(
                f"{self.name} in {self.directory} was not started; call start() first"
            )
        return self._child


async def locked_log(directory: Path, stop_signal: signal.Signals) -> BinaryIO:
    """Stop what an earlier run left, then open a server's log and lock it; raises LeftOverServer.

    A server that is started with this output shares the lock, which is released when the last of
    its processes has ended.
    """
    log = _open_log(directory)
    try:
        if not _try_lock(log):
            _signal_left_over(directory, stop_signal)
        await _wait_for_lock(log, directory)
        _truncate_log(log)
    except BaseException:
        log.close()
        raise
    return log


def _open_log(directory: Path) -> BinaryIO:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(
        os.open(directory / "server.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab"
    )


def _try_lock(log: BinaryIO) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


async def _wait_for_lock(log: BinaryIO, directory: Path) -> None:
    deadline = time.monotonic() + LEFT_OVER_TIMEOUT_SECONDS
    while not _try_lock(log):
        if time.monotonic() > deadline:
            pid = _left_over_pid(directory) or "unknown"
            raise LeftOverServer(
                f"process {pid} of an earlier run still uses {directory} after"
                f" {LEFT_OVER_TIMEOUT_SECONDS} s; wait for its end, or kill it, and start again"
            )
        await asyncio.sleep(POLL_INTERVAL_SECONDS)


def _signal_left_over(directory: Path, stop_signal: signal.Signals) -> None:
    """Send the stop signal; after the kernel's death signal it comes twice, which is harmless."""
    if pid := _left_over_pid(directory):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, stop_signal)


def _left_over_pid(directory: Path) -> int | None:
    try:
        return int((directory / "server.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _truncate_log(log: BinaryIO) -> None:
    if os.fstat(log.fileno()).st_size > LOG_LIMIT_BYTES:
        os.ftruncate(log.fileno(), 0)


def _end_of_log(directory: Path) -> str:
    with (directory / "server.log").open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_END_BYTES))
        return log.read().decode(errors="replace").rstrip()
