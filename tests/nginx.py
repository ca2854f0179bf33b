"""A real nginx, in front of servers of this machine, with a block of a product's document."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.ports import find_free_port

CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {upstreams}
    server {{
        listen 127.0.0.1:{port};
        {block}
    }}
}}
"""
START_SECONDS = 10


@asynccontextmanager
async def run_nginx(folder: Path, upstreams: Mapping[str, str], block: str) -> AsyncIterator[str]:
    """Run nginx with a block inside its `server`; yield its address.

    `upstreams`: the host and port of each name that the block passes requests to.
    """
    nginx, port = find_program("nginx"), find_free_port()
    named = "\n".join(f"upstream {name} {{ server {at}; }}" for name, at in upstreams.items())
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, upstreams=named, port=port, block=block))
    process = await asyncio.create_subprocess_exec(nginx, "-c", str(file), "-p", str(folder))
    try:
        await wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


def find_program(name: str) -> str:
    """Return the path of a server program; skip the test without it."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        pytest.skip(f"needs {name}")
    return path


async def wait_for_port(port: int) -> None:
    """Wait until something listens on a port."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
