"""Socket.IO with connection state recovery (`peers/socketio`) as a process under measurement; its packages come from npm, once."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.processes import Server, free_port, listening, program

SOURCE = Path(__file__).parent / "peers" / "socketio"
CACHE = Path(tempfile.gettempdir()) / "tidings-bench-socketio"
INSTALL_SECONDS = 120.0
RECOVERY_SECONDS = 120.0
FILES = ("package.json", "server.js")


def missing() -> str | None:
    """What must be installed before, or None."""
    absent = [name for name in ("node", "npm") if not shutil.which(name)]
    return f"{' and '.join(absent)} not installed" if absent else None


async def installed() -> Path:
    """The server beside its packages, which are fetched if they are not those that package.json asks for."""
    wanted = (SOURCE / "package.json").read_bytes()
    fetched = CACHE / "fetched.json"
    CACHE.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(SOURCE / name, CACHE / name)
    if not fetched.exists() or fetched.read_bytes() != wanted:
        command = ("npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(CACHE))
        process = await asyncio.create_subprocess_exec(*command)
        if await asyncio.wait_for(process.wait(), INSTALL_SECONDS):
            raise RuntimeError(f"`{' '.join(command)}` failed")
        fetched.write_bytes(wanted)
    return CACHE / "server.js"


@asynccontextmanager
async def socketio(
    *, redis: Server | None = None, recovery_seconds: float = RECOVERY_SECONDS
) -> AsyncGenerator[Server]:
    """A server that remembers in memory, or in Redis Streams if a Redis is given."""
    script, port = await installed(), free_port()
    environment = {
        "PORT": str(port),
        "RECOVERY_MILLISECONDS": str(int(recovery_seconds * 1000)),
        "NODE_ENV": "production",
    }
    environment |= {"REDIS_URL": f"redis://127.0.0.1:{redis.port}"} if redis else {}
    async with program("node", str(script), environment=environment) as process:
        await listening(process, port)
        yield Server(process.pid, port)
