"""An attack on a running edge, and what a user notices of it.

`python -m tests.acceptance.attack [SECONDS]` starts Tidings in a temporary folder, attacks it for a
minute from 20 connections, and prints the figures; it fails if a user noticed too much.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from tidings.processes.up import run_everything
from tidings.runtime.settings_sources import load_settings

from tests.driver import SECRET, Tidings
from tests.web_processes import WebProcess, run_web

PING_INTERVAL_SECONDS = 0.05
MINUTE_SECONDS = 60.0
P99_LIMIT_SECONDS = 0.25
MEMORY_LIMIT_BYTES = 64 * 1024 * 1024
ROOT = Path(__file__).parents[2]


class Experience(NamedTuple):
    """What a user noticed: the times of pings; and the memory that the edge took meanwhile."""

    ping_seconds: list[float]
    added_bytes: int

    @property
    def p99_seconds(self) -> float:
        """Return the time that 99 of 100 pings took at most."""
        return quantiles(self.ping_seconds, n=100)[98]


async def measure(tidings: Tidings, process: WebProcess, seconds: float, *names: str) -> Experience:
    """Run the attacks of these names, all without any name, while a user sends pings."""
    async with tidings.socket("alice") as client:
        await client.live()
        before, times = process.resident_bytes, list[float]()
        async with _attacker(process.url, *names):
            ends_at = time.monotonic() + seconds
            while time.monotonic() < ends_at:
                sent_at = time.perf_counter()
                await client.send({"type": "ping"})
                await client.next("heartbeat")
                times.append(time.perf_counter() - sent_at)
                await asyncio.sleep(PING_INTERVAL_SECONDS)
            added = process.resident_bytes - before
    return Experience(times, added)


@asynccontextmanager
async def _attacker(url: str, *names: str) -> AsyncGenerator[None]:
    """Attack from a process of its own while the block lasts: its work delays no user's."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.acceptance.attacker", url, *names),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        assert await process.stdout.readline(), "the attacker did not start"
        yield
        assert process.returncode is None, "the attacker gave up"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _main(seconds: float) -> int:
    with tempfile.TemporaryDirectory() as directory:
        settings = load_settings(
            {},
            include_running=False,
            jwt_secret=SECRET,
            mailbox=False,
            data_dir=Path(directory),
            port=0,
        )
        log = Path(directory) / "web.log"
        async with (
            run_everything(settings),
            run_web(load_settings({"TIDINGS_DATA_DIR": directory}), log=log) as process,
            Tidings(process.url, None) as tidings,
        ):
            experience = await measure(tidings, process, seconds)
        traces = log.read_text().count("Traceback")
    times = experience.ping_seconds
    print(
        f"{len(times)} pings of a user in {seconds:.0f} s under attack:"
        f" p50 {median(times) * 1000:.1f} ms, p99 {experience.p99_seconds * 1000:.1f} ms, at most"
        f" {max(times) * 1000:.1f} ms;"
        f" memory +{experience.added_bytes / 2**20:.1f} MiB; {traces} traces in the log"
    )
    is_fine = (
        experience.p99_seconds <= P99_LIMIT_SECONDS
        and experience.added_bytes <= MEMORY_LIMIT_BYTES
        and not traces
    )
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(float(sys.argv[1]) if sys.argv[1:] else MINUTE_SECONDS)))
