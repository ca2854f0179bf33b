"""A server run from its own directory, which can be killed and started again on the same port and data.

data_dir/<name>/   server.log   its output; the server holds a lock on it for as long as any of its processes lives
                   server.pid   whom to stop when it was left over
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

from tidings.runtime.child import Child
from tidings.runtime.errors import Unavailable

START_LIMIT_SECONDS = 300
ANSWER_LIMIT_SECONDS = 5
LEFT_OVER_LIMIT_SECONDS = 15
POLL_SECONDS = 0.01
LOG_LIMIT_BYTES = 10_000_000
LOG_END_BYTES = 2_000


class ServerFailed(Unavailable):
    """A server did not start."""


class ServerLeftOver(Unavailable):
    """A server of an earlier run does not end."""


class Server(ABC):
    """A server we start, stop and start again."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, data_dir: Path, port: int) -> None:
        """A server not yet started; whoever starts it holds the data directory."""
        self.directory = data_dir.absolute() / self.name
        self.port = port
        self._child: Child | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._child is not None and self._child.exit_code is None

    @property
    def pid(self) -> int:
        """The process last started."""
        return self._started().pid

    async def start(self) -> None:
        """Start it unless it runs, and wait until it answers. Raises ServerFailed and ServerLeftOver."""
        if self.running:
            return
        with await own_log(self.directory, self.stop_signal) as log:
            self._child = await self._launch(log)
        try:
            (self.directory / "server.pid").write_text(str(self.pid))
            await self._answering(self._child)
        except BaseException:
            self.kill()
            raise

    async def stop(self) -> None:
        """Stop it in good order, if it runs."""
        if self.running:
            await self._started().stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._started().kill()

    async def wait(self) -> int:
        """Until it exits; its exit code."""
        return await self._started().wait()

    @abstractmethod
    async def _launch(self, log: BinaryIO) -> Child: ...

    @abstractmethod
    async def _answers(self) -> bool: ...

    async def _answering(self, child: Child) -> None:
        """The limit is long: recovery from a crash takes its time and would start over. What cannot start exits, which is seen at once."""
        if not await child.outlives(self._first_answer(), START_LIMIT_SECONDS):
            raise self._failure(child)

    async def _first_answer(self) -> None:
        while True:
            if await self._answers():
                return
            await asyncio.sleep(POLL_SECONDS)

    def _failure(self, child: Child) -> ServerFailed:
        what = (
            f"did not answer on port {self.port}"
            if child.exit_code is None
            else f"ended with exit code {child.exit_code}"
        )
        return ServerFailed(
            f"{self.name} {what}; the end of {self.directory / 'server.log'}:\n{_end_of_log(self.directory)}"
        )

    def _started(self) -> Child:
        if self._child is None:
            raise RuntimeError(
                f"{self.name} in {self.directory} was not started; call start() first"
            )
        return self._child


async def own_log(directory: Path, stop_signal: signal.Signals) -> BinaryIO:
    """Open a server's log and lock it, having ended what an earlier run left over. Raises ServerLeftOver.

    A server started with this output shares the lock, so it is free again when the last of its processes has ended.
    """
    log = _open_log(directory)
    try:
        if not _locked(log):
            _signal_left_over(directory, stop_signal)
        await _until_locked(log, directory)
        _shorten(log)
    except BaseException:
        log.close()
        raise
    return log


def _open_log(directory: Path) -> BinaryIO:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(
        os.open(directory / "server.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab"
    )


def _locked(log: BinaryIO) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


async def _until_locked(log: BinaryIO, directory: Path) -> None:
    deadline = time.monotonic() + LEFT_OVER_LIMIT_SECONDS
    while not _locked(log):
        if time.monotonic() > deadline:
            who = f"process {_left_over(directory) or 'unknown'} of an earlier run"
            raise ServerLeftOver(
                f"{who} still uses {directory} after {LEFT_OVER_LIMIT_SECONDS} s; wait for its end, or kill it, and start again"
            )
        await asyncio.sleep(POLL_SECONDS)


def _signal_left_over(directory: Path, stop_signal: signal.Signals) -> None:
    """Where the system has told it of our death this says it twice, which does no harm."""
    if pid := _left_over(directory):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, stop_signal)


def _left_over(directory: Path) -> int | None:
    try:
        return int((directory / "server.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _shorten(log: BinaryIO) -> None:
    if os.fstat(log.fileno()).st_size > LOG_LIMIT_BYTES:
        os.ftruncate(log.fileno(), 0)


def _end_of_log(directory: Path) -> str:
    with (directory / "server.log").open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_END_BYTES))
        return log.read().decode(errors="replace").rstrip()
