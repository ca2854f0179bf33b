"""Additional `tidings web` processes beside the shared one, with settings of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from tidings.client.jetstream import connect
from tidings.runtime.log.install import install_streams
from tidings.runtime.settings import Settings

RING_BYTES = 4 * 1024 * 1024
"""Small, so that the process starts without reading the entries of all other tests."""
READY_SECONDS = 90
STREAM_SETTINGS = frozenset(
    (
        *("notifications_per_user", "retention_days", "duplicate_window_seconds"),
        *("events_limit_bytes", "notifications_limit_bytes"),
    )
)
"""Settings that are limits of the streams."""


class WebProcess(NamedTuple):
    """The URL and the process id of a `tidings web` process."""

    url: str
    pid: int

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    @property
    def peak_bytes(self) -> int:
        """Return the peak of the resident memory (VmHWM)."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

    @property
    def resident_bytes(self) -> int:
        """Return the resident memory (VmRSS)."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

    @property
    def sockets(self) -> int:
        """Return the number of open sockets."""
        count = 0
        for each in Path(f"/proc/{self.pid}/fd").iterdir():
            # A descriptor may be closed while the directory is read.
            with suppress(FileNotFoundError):
                count += str(each.readlink()).startswith("socket:")
        return count


@asynccontextmanager
async def run_web(
    chosen: Settings, *, log: Path | None = None, descriptors: int | None = None, **more: Any
) -> AsyncIterator[WebProcess]:
    """Run an edge and a gateway while the block lasts; append their log to `log`, if given.

    `descriptors` is the limit of the files and sockets that the process may have open. Limits of
    the streams, which all tests share, hold while the block lasts.
    """
    stream_settings = {name: more[name] for name in STREAM_SETTINGS & more.keys()}
    async with AsyncExitStack() as stack:
        if stream_settings:
            await _set_limits(msgspec.structs.replace(chosen, **stream_settings))
            stack.push_async_callback(_set_limits, chosen)
        yield await stack.enter_async_context(_run_web(chosen, log, descriptors, more))


@asynccontextmanager
async def _run_web(
    chosen: Settings, log: Path | None, descriptors: int | None, more: dict[str, Any]
) -> AsyncIterator[WebProcess]:
    limited = ("sh", "-c", f'ulimit -n {descriptors} && exec "$0" "$@"') if descriptors else ()
    command = (*limited, sys.executable, "-m", "tidings.cli", "web")
    with log.open("ab") if log else nullcontext() as errors:
        environ = make_environment(chosen, **{"port": 0, "ring_bytes": RING_BYTES, **more})
        process = await asyncio.create_subprocess_exec(
            *command, env=environ, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
    try:
        assert process.stdout
        ready = await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)
        yield WebProcess(ready.decode().removeprefix("ready").strip(), process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _set_limits(settings: Settings) -> None:
    async with connect(settings.nats, "tests") as jetstream:
        await install_streams(jetstream, settings, "set")


@asynccontextmanager
async def run_webs(chosen: Settings, count: int, **more: Any) -> AsyncIterator[list[WebProcess]]:
    """Run `count` of these processes on one port."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(run_web(chosen, reuse_port=True, **more))
        port = first.url.rpartition(":")[2]
        others = [
            await stack.enter_async_context(
                run_web(chosen, reuse_port=True, **{**more, "port": port})
            )
            for _ in range(count - 1)
        ]
        yield [first, *others]


def make_environment(chosen: Settings, **more: Any) -> dict[str, str]:
    """Return an environment that points another process to the servers of these settings."""
    shared = {
        **{name: value for name in STREAM_SETTINGS if (value := getattr(chosen, name)) is not None},
        "nats_url": chosen.nats_url,
        "postgres_dsn": chosen.postgres_dsn,
        "jwt_secret": chosen.jwt_secret,
        "data_dir": chosen.data_dir,
    }
    given = {f"TIDINGS_{name.upper()}": str(value) for name, value in {**shared, **more}.items()}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")},
        **given,
    }
