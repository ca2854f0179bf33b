"""Embedded NATS and Postgres, run from one directory and restarted when they die."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tidings.runtime.embedded.data_directory import locked, remembered_port
from tidings.runtime.embedded.disk_room import has_room
from tidings.runtime.embedded.nats_server import NatsServer
from tidings.runtime.embedded.postgres_server import PostgresServer
from tidings.runtime.embedded.server import EmbeddedServer, locked_log
from tidings.runtime.errors import TidingsError

SHORTEST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
BACKOFF_RESET_SECONDS = 10.0
HEALTH_INTERVAL_SECONDS = 2.0

log = logging.getLogger("tidings.embedded")
ServerT = TypeVar("ServerT", bound=EmbeddedServer)


@dataclass(frozen=True)
class EmbeddedServers:
    """The two servers and their addresses, which a restart does not change."""

    nats_url: str
    postgres_dsn: str
    nats: NatsServer
    postgres: PostgresServer


@asynccontextmanager
async def run_servers(data_dir: Path) -> AsyncGenerator[EmbeddedServers]:
    """Run NATS and Postgres on a data directory and restart them when they die.

    Both end with this process, also on `kill -9`. Raises DataDirectoryInUse, DataDirectoryUnusable,
    CannotRunPostgres, ServerFailed or LeftOverServer.
    """
    with locked(data_dir) as directory:
        async with run_nats(directory) as nats, run_postgres(directory) as postgres:
            yield EmbeddedServers(nats.url, postgres.dsn, nats, postgres)


@asynccontextmanager
async def run_nats(directory: Path) -> AsyncGenerator[NatsServer]:
    """Run NATS on a directory that the caller has locked."""
    server = await _with_remembered_port(NatsServer, directory)
    async with supervise(server):
        yield server


@asynccontextmanager
async def run_postgres(directory: Path) -> AsyncGenerator[PostgresServer]:
    """Run Postgres on a directory that the caller has locked."""
    server = await _with_remembered_port(PostgresServer, directory)
    async with supervise(server):
        yield server


@asynccontextmanager
async def supervise(server: EmbeddedServer) -> AsyncGenerator[None]:
    """Run a server and restart it when it dies, until the block ends."""
    await server.start()
    keepers = (
        asyncio.create_task(_restart_forever(server), name=f"restart {server.name}"),
        asyncio.create_task(_stop_when_frozen(server), name=f"health of {server.name}"),
    )
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        try:
            await asyncio.wait(keepers)
        finally:
            await server.stop()


async def _with_remembered_port(kind: type[ServerT], data_dir: Path) -> ServerT:
    """Make a server on its stored port, once no server of an earlier run holds that."""
    (await locked_log(data_dir / kind.name, kind.stop_signal)).close()
    return kind(data_dir, remembered_port(data_dir / kind.name))


async def _restart_forever(server: EmbeddedServer) -> None:
    delay = SHORTEST_DELAY_SECONDS
    while True:
        if await _wait_for_exit(server) > BACKOFF_RESET_SECONDS:
            delay = SHORTEST_DELAY_SECONDS
        delay = await _restart(server, delay)


async def _stop_when_frozen(server: EmbeddedServer) -> None:
    """Stop a server that stores nothing, once its disk has room, so that it is restarted."""
    reported: str | None = None
    while True:
        await asyncio.sleep(HEALTH_INTERVAL_SECONDS)
        reason = await server.frozen_reason() if server.is_running else None
        if reason and reason != reported:
            log.error(
                "%s: %s; it is restarted as soon as the disk of %s has room",
                server.name,
                reason,
                server.directory,
            )
        reported = reason
        if reason and await asyncio.to_thread(has_room, server.directory):
            log.warning("%s: the disk has room; restarting the server, to store again", server.name)
            await server.stop()


async def _wait_for_exit(server: EmbeddedServer) -> float:
    """Wait until the server exits; return the seconds it ran from now."""
    started_at = time.monotonic()
    code = await server.wait()
    log.warning(
        "%s (process %d) ended with exit code %d; restarting it on port %d",
        server.name,
        server.pid,
        code,
        server.port,
    )
    return time.monotonic() - started_at


async def _restart(server: EmbeddedServer, delay: float) -> float:
    """Retry, at growing intervals, until it runs; return the next delay."""
    while True:
        await asyncio.sleep(delay)
        delay = min(2 * delay, LONGEST_DELAY_SECONDS)
        try:
            await server.start()
        except (OSError, TidingsError) as error:
            log.error("%s did not restart: %s", server.name, error)
        else:
            log.info("%s has restarted (process %d)", server.name, server.pid)
            return delay
