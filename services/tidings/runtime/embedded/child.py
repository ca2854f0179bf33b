"""Child processes that end when this process ends, even by `kill -9`."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import BinaryIO, NamedTuple

STOP_TIMEOUT_SECONDS = 10
LAUNCHER = Path(__file__).with_name("die_with_parent.py")
PASSED_VARIABLES = (
    "PATH",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NSS_WRAPPER_PASSWD",
    "NSS_WRAPPER_GROUP",
)
"""The last three name an account that the passwd file lacks, as containers do."""


class Account(NamedTuple):
    """The user and group that a child runs as."""

    uid: int
    gid: int


class Child:
    """A child process, bound to the event loop and the thread that started it."""

    def __init__(self, process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> None:
        """Watch a process; `spawn_child` starts one and watches it."""
        self.pid = process.pid
        self._process = process
        self._stop_signal = stop_signal
        self._exited = asyncio.Event()
        Thread(
            target=self._watch,
            args=(asyncio.get_running_loop(),),
            name=f"exit of {self.pid}",
            daemon=True,
        ).start()

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative if a signal killed it."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait until it exits; return its exit code."""
        await self._exited.wait()
        return self._process.returncode

    async def completes_work(
        self, work: Coroutine[None, None, None], timeout_seconds: float
    ) -> bool:
        """Run work; return whether it ended before the timeout and before this process exited."""
        task, exit_ = asyncio.ensure_future(work), asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait(
                (task, exit_), timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            return task.done() and task.result() is None
        finally:
            task.cancel()
            exit_.cancel()
            await asyncio.wait((task, exit_))

    async def stop(self) -> None:
        """Send the stop signal, and kill it after STOP_TIMEOUT_SECONDS."""
        self._process.send_signal(self._stop_signal)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wait(), STOP_TIMEOUT_SECONDS)
        self.kill()
        await self.wait()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait in a thread: unlike asyncio's child watchers that works with every event loop."""
        self._process.wait()
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(self._exited.set)


def spawn_child(
    command: Sequence[str | Path],
    log: BinaryIO,
    cwd: Path,
    stop_signal: signal.Signals,
    account: Account | None = None,
) -> Child:
    """Start a command whose output goes to the log; it gets the stop signal when we die.

    It has its own session: Ctrl-C must not reach servers before the services have stopped.
    """
    owner = f"{account.uid}:{account.gid}" if account else "-"
    launcher = (
        sys.executable,
        "-I",
        "-S",
        LAUNCHER,
        str(os.getpid()),
        str(int(stop_signal)),
        owner,
    )
    process = subprocess.Popen(
        (*launcher, *command),
        cwd=cwd,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        umask=0o077,
        start_new_session=True,
    )
    return Child(process, stop_signal)


def _environment() -> dict[str, str]:
    """Return a minimal environment: no PGPORT that changes the server, and none of our secrets."""
    return {"LC_ALL": "C", "TZ": "UTC"} | {
        name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ
    }
