"""One more `web` process beside the one that all tests share, with settings of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

from tidings.runtime.settings import Settings

RING_BYTES = 4 * 1024 * 1024
"""Little, so that it need not read all that other tests have told before it begins."""
READY_SECONDS = 90


class Web(NamedTuple):
    """Where it answers, and its process."""

    url: str
    pid: int

    def kill(self) -> None:
        """`kill -9`."""
        os.kill(self.pid, signal.SIGKILL)

    @property
    def peak_bytes(self) -> int:
        """The most memory that it ever had."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

    @property
    def sockets(self) -> int:
        """How many sockets it has open."""
        return sum(
            1
            for each in Path(f"/proc/{self.pid}/fd").iterdir()
            if str(each.readlink()).startswith("socket:")
        )


@asynccontextmanager
async def web(chosen: Settings, *, log: Path | None = None, **more: object) -> AsyncIterator[Web]:
    """An edge and a gateway while the block lasts; what they log goes to a file, if one is named."""
    command = (sys.executable, "-m", "tidings.cli", "web")
    with log.open("ab") if log else nullcontext() as errors:
        environ = environment(chosen, **{"port": 0, "ring_bytes": RING_BYTES, **more})
        process = await asyncio.create_subprocess_exec(
            *command, env=environ, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
    try:
        assert process.stdout
        ready = await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)
        yield Web(ready.decode().removeprefix("ready").strip(), process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@asynccontextmanager
async def webs(chosen: Settings, count: int, **more: object) -> AsyncIterator[list[Web]]:
    """So many of these on one port."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(web(chosen, reuse_port=True, **more))
        port = first.url.rpartition(":")[2]
        others = [
            await stack.enter_async_context(web(chosen, reuse_port=True, **{**more, "port": port}))
            for _ in range(count - 1)
        ]
        yield [first, *others]


def environment(chosen: Settings, **more: object) -> dict[str, str]:
    """The environment that makes another process use the same servers."""
    shared = {
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
