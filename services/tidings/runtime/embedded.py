"""NATS and Postgres of our own, run from one directory and kept alive while a block lasts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tidings.runtime.data_directory import held, remembered_port
from tidings.runtime.embedded_nats import NatsServer
from tidings.runtime.embedded_postgres import PostgresServer
from tidings.runtime.embedded_server import Server, own_log
from tidings.runtime.errors import TidingsError

SHORTEST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
STABLE_SECONDS = 10.0

log = logging.getLogger("tidings.embedded")
Kind = TypeVar("Kind", bound=Server)


@dataclass(frozen=True)
class Servers:
    """Where the two servers are; the addresses outlive a restart of either."""

    nats_url: str
    postgres_dsn: str
    nats: NatsServer
    postgres: PostgresServer


@asynccontextmanager
async def embedded(data_dir: Path) -> AsyncGenerator[Servers]:
    """Run NATS and Postgres on a data directory, starting either again when it dies; both die with this process, also on `kill -9`.

    Raises DataDirectoryInUse, DataDirectoryUnusable, CannotRunPostgres, ServerFailed, ServerLeftOver.
    """
    with held(data_dir) as directory:
        async with embedded_nats(directory) as nats, embedded_postgres(directory) as postgres:
            yield Servers(nats.url, postgres.dsn, nats, postgres)


@asynccontextmanager
async def embedded_nats(directory: Path) -> AsyncGenerator[NatsServer]:
    """NATS alone, on a directory that the caller holds."""
    server = await _remembered(NatsServer, directory)
    async with kept_alive(server):
        yield server


@asynccontextmanager
async def embedded_postgres(directory: Path) -> AsyncGenerator[PostgresServer]:
    """Postgres alone, on a directory that the caller holds."""
    server = await _remembered(PostgresServer, directory)
    async with kept_alive(server):
        yield server


@asynccontextmanager
async def kept_alive(server: Server) -> AsyncGenerator[None]:
    """Run a server, starting it again whenever it dies, until the block ends."""
    await server.start()
    keeper = asyncio.create_task(_keep(server), name=f"keep {server.name} alive")
    try:
        yield
    finally:
        keeper.cancel()
        try:
            await asyncio.wait((keeper,))
        finally:
            await server.stop()


async def _remembered(kind: type[Kind], data_dir: Path) -> Kind:
    """Its port can be judged only when an earlier run has let go of it."""
    (await own_log(data_dir / kind.name, kind.stop_signal)).close()
    return kind(data_dir, remembered_port(data_dir / kind.name))


async def _keep(server: Server) -> None:
    delay = SHORTEST_DELAY_SECONDS
    while True:
        if await _life(server) > STABLE_SECONDS:
            delay = SHORTEST_DELAY_SECONDS
        delay = await _start_again(server, delay)


async def _life(server: Server) -> float:
    """Wait until it has died; how many seconds that took."""
    begun = time.monotonic()
    code = await server.wait()
    log.warning(
        "%s (process %d) ended with exit code %d; starting it again on port %d",
        server.name,
        server.pid,
        code,
        server.port,
    )
    return time.monotonic() - begun


async def _start_again(server: Server, delay: float) -> float:
    """Try, ever more slowly, until it runs; the delay to go on with."""
    while True:
        await asyncio.sleep(delay)
        delay = min(2 * delay, LONGEST_DELAY_SECONDS)
        try:
            await server.start()
        except (OSError, TidingsError) as error:
            log.error("%s did not start again: %s", server.name, error)
        else:
            log.info("%s runs again (process %d)", server.name, server.pid)
            return delay
