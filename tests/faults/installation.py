"""An installation on a cluster: three NATS servers, Postgres, and two of each service."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from tidings.runtime.embedded.data_directory import PORTS, is_port_free
from tidings.runtime.embedded.postgres_server import PostgresServer

from tests.acceptance.faults import Process
from tests.driver import SECRET
from tests.nats_cluster import Cluster, run_cluster

SAME_PARTITIONS = ("all", "all")
PARTITIONS = 4
WEBS = 2
START_SECONDS = 120.0
NOTIFICATIONS_PER_USER = 50_000


class ClusterInstallation(NamedTuple):
    """The parts of an installation; each `web` process is an edge and a gateway."""

    cluster: Cluster
    services: dict[str, Process]
    urls: tuple[str, ...]

    async def restart(self, *names: str) -> None:
        """Start killed services again, and wait until they are ready."""
        for name in names:
            await self.services[name].wait()
        await asyncio.gather(*(self.services[name].start(START_SECONDS) for name in names))

    def stopped(self) -> list[str]:
        """Return the names of the services that do not run."""
        return [name for name, process in self.services.items() if not process.is_running]


@asynccontextmanager
async def run_installation(
    directory: Path,
    *,
    notifiers: tuple[str, ...] = SAME_PARTITIONS,
    projectors: int = 2,
    partitions: int = PARTITIONS,
) -> AsyncIterator[ClusterInstallation]:
    """Run an installation; `notifiers` has the partitions of each notifier."""
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(run_cluster(directory, partitions=partitions))
        ports = iter([port for port in random.sample(PORTS, 200) if is_port_free(port)])
        postgres = PostgresServer(directory, next(ports))
        stack.push_async_callback(postgres.stop)
        await postgres.start()
        shared = {
            "nats_url": cluster.urls,
            "postgres_dsn": postgres.dsn,
            "jwt_secret": SECRET,
            "data_dir": directory / "none",
            "heartbeat_seconds": 1,
            "partitions": partitions,
            "replicas": len(cluster.servers),
            "notifications_per_user": NOTIFICATIONS_PER_USER,
            "connections_per_user": 20,
        }
        services = {
            f"notifier-{number}": _process(
                directory, f"notifier-{number}", {**shared, "notifier_partitions": partition_list}
            )
            for number, partition_list in enumerate(notifiers)
        }
        services |= {
            f"projector-{number}": _process(directory, f"projector-{number}", shared)
            for number in range(projectors)
        }
        web_ports = [next(ports) for _ in range(WEBS)]
        services |= {
            f"web-{number}": _process(directory, f"web-{number}", {**shared, "port": port})
            for number, port in enumerate(web_ports)
        }
        stack.push_async_callback(_kill, services)
        await asyncio.gather(*(process.start(START_SECONDS) for process in services.values()))
        urls = tuple(f"http://127.0.0.1:{port}" for port in web_ports)
        yield ClusterInstallation(cluster, services, urls)


async def _kill(services: Mapping[str, Process]) -> None:
    for process in services.values():
        process.kill()
    for process in services.values():
        await process.wait()


def _process(directory: Path, name: str, settings: Mapping[str, object]) -> Process:
    environment = {f"TIDINGS_{key.upper()}": str(value) for key, value in settings.items()}
    return Process((name.partition("-")[0],), environment, directory / f"{name}.log")
