"""Nchan in nginx (`peers/nchan.conf`) as a process under measurement."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.processes import Server, free_port, program, wait_until_listening

CONFIGURATION = Path(__file__).parent / "peers" / "nchan.conf"
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
BUFFER_MESSAGES = 100


def missing() -> str | None:
    """Return what must be installed first, or None."""
    return (
        None
        if shutil.which("nginx") and MODULE.exists()
        else "nginx with libnginx-mod-nchan not installed"
    )


@asynccontextmanager
async def nchan(
    *, redis: Server | None = None, buffer_messages: int = BUFFER_MESSAGES
) -> AsyncGenerator[Server]:
    """A server with one worker that keeps messages in memory, or in Redis if one is given."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tidings-nchan-") as directory:
        configuration = _configuration(
            directory, {"port": str(port), "buffer": str(buffer_messages), **_kept(redis)}
        )
        async with program(
            "nginx", "-p", directory, "-e", "stderr", "-c", str(configuration)
        ) as process:
            await wait_until_listening(process, port)
            yield Server(process.pid, port)


def _configuration(directory: str, values: dict[str, str]) -> Path:
    text, file = CONFIGURATION.read_text(), Path(directory, "nginx.conf")
    for name, value in {"directory": directory, **values}.items():
        text = text.replace(f"{{{name}}}", value)
    file.write_text(text)
    file.parent.chmod(0o755)  # the worker is another user
    return file


def _kept(redis: Server | None) -> dict[str, str]:
    if redis is None:
        return {"upstream": "", "pass": ""}
    return {
        "upstream": f"upstream kept {{ nchan_redis_server redis://127.0.0.1:{redis.port}; }}",
        "pass": "nchan_redis_pass kept;",
    }
