"""Three NATS servers of one cluster on this machine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from tidings.client.jetstream import JetStream, connect
from tidings.contracts.subjects import EVENTS
from tidings.runtime.embedded.data_directory import HOST, remembered_port
from tidings.runtime.embedded.nats_server import NatsServer
from tidings.runtime.errors import RequestRefused, Unavailable
from tidings.runtime.log.install import install_streams
from tidings.runtime.quoting import NatsValue
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import load_settings

from tests.waiting import wait_until

NODES = 3
USER, PASSWORD = "tidings", "cluster"


class ClusterServer(NatsServer):
    """One server of a cluster on this machine."""

    def __init__(self, data_dir: Path, number: int, routes: Sequence[int]) -> None:
        """Describe a server; `routes` are the cluster ports of all servers, its own included."""
        data_dir.mkdir()
        super().__init__(data_dir, remembered_port(data_dir))
        self._number = number
        self._routes = routes
        self.node = f"node-{number}"
        self._server_name = self.node

    @property
    def url(self) -> str:
        """The address with user and password."""
        return f"nats://{USER}:{PASSWORD}@{HOST}:{self.port}"

    @property
    def log(self) -> str:
        """What the server has logged."""
        return (self.directory / "server.log").read_text()

    def suspend(self) -> None:
        """Stop the process without ending it (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a stopped process go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def _configuration(self) -> NatsValue:
        alone = super()._configuration()
        assert isinstance(alone, dict)
        return {
            **alone,
            "authorization": {"users": [{"user": USER, "password": PASSWORD}]},
            "cluster": {
                "name": "tests",
                "listen": f"{HOST}:{self._routes[self._number]}",
                "routes": [f"nats://{HOST}:{port}" for port in self._routes],
            },
        }


class Cluster(NamedTuple):
    """The running servers, a connection to all of them, and the epochs of the streams."""

    servers: list[ClusterServer]
    jetstream: JetStream
    epochs: dict[str, str]

    @property
    def urls(self) -> str:
        """The addresses of all servers, as `TIDINGS_NATS_URL` takes them."""
        return ",".join(server.url for server in self.servers)

    async def leader(self, stream: str) -> str:
        """Return the name of a stream's leader; raises Unavailable without one."""
        info = await self.jetstream.call_api(f"STREAM.INFO.{stream}")
        return info["cluster"].get("leader", "")

    async def leader_server(self, stream: str) -> ClusterServer:
        """Return the server that leads a stream, once one does."""

        async def find() -> ClusterServer | None:
            try:
                leader = await self.leader(stream)
            except (Unavailable, RequestRefused):
                return None
            return next((server for server in self.servers if server.node == leader), None)

        server = await wait_until(find)
        assert server
        return server

    async def follower(self, stream: str) -> ClusterServer:
        """Return a server that leads neither the stream nor `EVENTS`."""
        leaders = {
            (await self.leader_server(stream)).node,
            (await self.leader_server(EVENTS)).node,
        }
        return next(server for server in self.servers if server.node not in leaders)


@asynccontextmanager
async def run_cluster(directory: Path, **chosen: object) -> AsyncIterator[Cluster]:
    """Start three servers, and create the streams of an installation with three replicas.

    `chosen` are settings of the installation.
    """
    route_directories = [directory / f"route-{number}" for number in range(NODES)]
    for each in route_directories:
        each.mkdir()
    routes = [*map(remembered_port, route_directories)]
    servers = [
        ClusterServer(directory / f"server-{number}", number, routes) for number in range(NODES)
    ]
    async with AsyncExitStack() as stack:
        for server in servers:
            stack.push_async_callback(server.stop)
        await asyncio.gather(*(server.start() for server in servers))
        urls = ",".join(server.url for server in servers)
        jetstream = await stack.enter_async_context(connect(urls, "tests-cluster"))
        settings = load_settings({}, include_running=False, nats_url=urls, replicas=NODES, **chosen)
        yield Cluster(servers, jetstream, await _install(jetstream, settings))


async def _install(jetstream: JetStream, settings: Settings) -> dict[str, str]:
    """Create the streams as soon as the cluster has a leader."""

    async def attempt() -> dict[str, str] | None:
        try:
            return await install_streams(jetstream, settings)
        except (Unavailable, RequestRefused):
            return None

    return await wait_until(attempt) or {}
