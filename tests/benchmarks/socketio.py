"""Socket.IO with connection state recovery (`peers/socketio`) as a process.

Its packages are fetched from npm once.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.processes import Server, free_port, program, wait_until_listening

SOURCE = Path(__file__).parent / "peers" / "socketio"
CACHE = Path(tempfile.gettempdir()) / "tidings-bench-socketio"
INSTALL_SECONDS = 120.0
RECOVERY_SECONDS = 120.0
FILES = ("package.json", "server.js")


def missing() -> str | None:
    """Return what must be installed first, or None."""
    absent = [name for name in ("node", "npm") if not shutil.which(name)]
    return f"{' and '.join(absent)} not installed" if absent else None


async def install_packages() -> Path:
    """Return the server, fetching the packages of package.json if they are missing."""
    package_list = (SOURCE / "package.json").read_bytes()
    fetched_list = CACHE / "fetched.json"
    CACHE.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(SOURCE / name, CACHE / name)
    if not fetched_list.exists() or fetched_list.read_bytes() != package_list:
        command = ("npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(CACHE))
        process = await asyncio.create_subprocess_exec(*command)
        if await asyncio.wait_for(process.wait(), INSTALL_SECONDS):
            raise RuntimeError(f"`{' '.join(command)}` failed")
        fetched_list.write_bytes(package_list)
    return CACHE / "server.js"


@asynccontextmanager
async def socketio(
    *, redis: Server | None = None, recovery_seconds: float = RECOVERY_SECONDS
) -> AsyncGenerator[Server]:
    """A server that remembers in memory, or in Redis Streams if a Redis is given."""
    script, port = await install_packages(), free_port()
    environment = {
        "PORT": str(port),
        "RECOVERY_MILLISECONDS": str(int(recovery_seconds * 1000)),
        "NODE_ENV": "production",
    }
    environment |= {"REDIS_URL": f"redis://127.0.0.1:{redis.port}"} if redis else {}
    async with program("node", str(script), environment=environment) as process:
        await wait_until_listening(process, port)
        yield Server(process.pid, port)
