"""A child process that dies with us, even when we are killed with `kill -9`."""

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

STOP_LIMIT_SECONDS = 10
LAUNCHER = Path(__file__).with_name("die_with_parent.py")
PASSED_VARIABLES = ("PATH", "LD_LIBRARY_PATH")


class Account(NamedTuple):
    """Whom a child runs as."""

    uid: int
    gid: int


class Child:
    """A running process of ours; it belongs to the event loop, and to the thread, that started it."""

    def __init__(self, process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> None:
        """Watch a process just started; `spawn` does both."""
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
        """None while it runs; negative: the signal that killed it."""
        return self._process.returncode

    async def wait(self) -> int:
        """Until it exits; its exit code."""
        await self._exited.wait()
        return self._process.returncode

    async def outlives(self, work: Coroutine[None, None, None], limit_seconds: float) -> bool:
        """Whether the work is done within the limit and before this process exits; else it is abandoned."""
        task, exit_ = asyncio.ensure_future(work), asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait(
                (task, exit_), timeout=limit_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            return task.done() and task.result() is None
        finally:
            task.cancel()
            exit_.cancel()
            await asyncio.wait((task, exit_))

    async def stop(self) -> None:
        """Ask it to stop, and kill it when it takes longer than STOP_LIMIT_SECONDS."""
        self._process.send_signal(self._stop_signal)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wait(), STOP_LIMIT_SECONDS)
        self.kill()
        await self.wait()

    def kill(self) -> None:
        """SIGKILL, without a chance to tidy up."""
        self._process.kill()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """A thread per child works with every event loop and system; a closed loop has nobody left to tell."""
        self._process.wait()
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._exited.set)


def spawn(
    command: Sequence[str | Path],
    log: BinaryIO,
    cwd: Path,
    stop_signal: signal.Signals,
    account: Account | None = None,
) -> Child:
    """Start a command whose output goes to the log; it gets the stop signal when we die.

    In a session of its own: Ctrl-C in the terminal is for us to pass on, when the services have stopped.
    """
    whom = f"{account.uid}:{account.gid}" if account else "-"
    launcher = (sys.executable, "-I", "-S", LAUNCHER, str(os.getpid()), str(int(stop_signal)), whom)
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
    """Little: variables such as PGPORT would change what the servers do, and our secrets are none of their business."""
    return {"LC_ALL": "C", "TZ": "UTC"} | {
        name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ
    }
