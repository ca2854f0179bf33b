"""Real proxies of this machine, with the configurations of `infra/`."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.nginx import find_program, wait_for_port
from tests.ports import find_free_port

INFRA = Path(__file__).parents[1] / "infra"
CONFIGURATIONS = {
    "nginx": INFRA / "nginx" / "nginx.conf",
    "haproxy": INFRA / "haproxy" / "haproxy.cfg",
    "caddy": INFRA / "caddy" / "Caddyfile",
}
LISTENS = {"nginx": "listen 80;", "haproxy": "bind :80", "caddy": ":80 {"}
NGINX_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@asynccontextmanager
async def run_proxy(name: str, folder: Path, upstreams: Mapping[str, str]) -> AsyncIterator[str]:
    """Run a proxy with the configuration of `infra/`; yield its address.

    `upstreams`: the host and port of each service that the configuration names.
    """
    program, port = find_program(name), find_free_port()
    file = folder / CONFIGURATIONS[name].name
    file.write_text(_configuration(name, folder, port, upstreams))
    with (folder / f"{name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            *_arguments(name, file, folder),
            env={**os.environ, "HOME": str(folder)},
            stderr=log,
        )
    try:
        await wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):  # it has failed; its log says why
            process.terminate()
        await process.wait()


def _configuration(name: str, folder: Path, port: int, upstreams: Mapping[str, str]) -> str:
    text = CONFIGURATIONS[name].read_text()
    assert LISTENS[name] in text
    text = text.replace(LISTENS[name], LISTENS[name].replace("80", f"{port}"))
    for service, address in upstreams.items():
        text, count = re.subn(rf"\b{service}:\d+", address, text)
        assert count, service
    # What a machine of tests may open.
    text = re.sub(r"(worker_connections|maxconn) 16384", r"\1 256", text)
    if name == "nginx":
        paths = "\n".join(f"{each}_temp_path {folder}/{each};" for each in NGINX_FOLDERS)
        text = f"daemon off;\npid {folder}/pid;\n" + text.replace(
            "http {", f"http {{\naccess_log off;\n{paths}\n"
        )
    return text


def _arguments(name: str, file: Path, folder: Path) -> list[str]:
    match name:
        case "nginx":
            return ["-c", str(file), "-p", str(folder), "-e", "stderr"]
        case "haproxy":
            return ["-db", "-f", str(file)]
        case _:
            return ["run", "--adapter", "caddyfile", "--config", str(file)]
