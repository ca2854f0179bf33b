"""Faults: servers and services are killed, suspended and restarted while the load goes on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

from tidings.contracts.subjects import EVENTS, NOTIFICATIONS

from tests.faults.installation import ClusterInstallation
from tests.nats_cluster import Cluster, ClusterServer

AWAY_SECONDS = 3.0
BETWEEN_SECONDS = 3.0

FindServer = Callable[[Cluster], Awaitable[ClusterServer]]
Fault = Callable[[ClusterInstallation], Awaitable[None]]


async def events_leader(cluster: Cluster) -> ClusterServer:
    """Find the leader of `EVENTS`."""
    return await cluster.leader_server(EVENTS)


async def notifications_leader(cluster: Cluster) -> ClusterServer:
    """Find the leader of `NOTIFICATIONS`."""
    return await cluster.leader_server(NOTIFICATIONS)


async def plain_follower(cluster: Cluster) -> ClusterServer:
    """Find a server that leads neither stream."""
    return await cluster.follower(NOTIFICATIONS)


def kill_server(find: FindServer, away_seconds: float = AWAY_SECONDS) -> Fault:
    """Kill a server with SIGKILL, and start it again."""

    async def fault(installation: ClusterInstallation) -> None:
        server = await find(installation.cluster)
        server.kill()
        await server.wait()
        await asyncio.sleep(away_seconds)
        await server.start()
        await asyncio.sleep(BETWEEN_SECONDS)

    return fault


def suspend_server(find: FindServer, away_seconds: float) -> Fault:
    """Suspend a server (SIGSTOP): its connections stay open and nothing answers."""

    async def fault(installation: ClusterInstallation) -> None:
        server = await find(installation.cluster)
        server.suspend()
        try:
            await asyncio.sleep(away_seconds)
        finally:
            server.resume()
        await asyncio.sleep(BETWEEN_SECONDS)

    return fault


async def restart_all_servers(installation: ClusterInstallation) -> None:
    """Stop and start the servers one after another, as an upgrade does."""
    for server in installation.cluster.servers:
        await server.stop()
        await server.start()
        await asyncio.sleep(BETWEEN_SECONDS)


def kill_service(*names: str, away_seconds: float = 0.0) -> Fault:
    """Kill services with SIGKILL, and start them again."""

    async def fault(installation: ClusterInstallation) -> None:
        for name in names:
            installation.services[name].kill()
        await asyncio.sleep(away_seconds)
        await installation.restart(*names)

    return fault


def suspend_notifiers(away_seconds: float) -> Fault:
    """Suspend each notifier in turn: another one takes its work over, and then it wakes up."""

    async def fault(installation: ClusterInstallation) -> None:
        notifiers = [
            process for name, process in installation.services.items() if "notifier" in name
        ]
        for notifier in notifiers:
            notifier.kill(signal.SIGSTOP)
            try:
                await asyncio.sleep(away_seconds)
            finally:
                notifier.kill(signal.SIGCONT)
            await asyncio.sleep(BETWEEN_SECONDS)

    return fault
