"""Measure what is lost on a reconnect: the same scenarios for Tidings and its peers.

A tab that uses everything its protocol offers counts the losses.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
from tidings.runtime.embedded.servers import run_postgres

from tests.benchmarks import nchan, socketio
from tests.benchmarks.plain_stack import table
from tests.benchmarks.processes import Server, redis_server, uvicorn
from tests.benchmarks.sites import (
    FastApi,
    Nchan,
    RestartableServer,
    Site,
    SocketIo,
    Tidings,
    run_restartable,
)
from tests.benchmarks.system import System, system
from tests.benchmarks.tab import Outcome, Tab

BEFORE, MISSED = 5, 20
BUFFER_MESSAGES, MANY_MISSED = 100, 150
RECOVERY_SECONDS, AWAY_SECONDS = 2.0, 3.0
READ = 5


async def away(site: Site, user: str) -> str:
    """Disconnect the tab while messages are sent."""
    return str(await _missed(site, Tab(user), MISSED))


async def restart(site: Site, user: str, number: signal.Signals = signal.SIGTERM) -> str:
    """Disconnect the tab, and restart the server after half of the messages."""
    return str(await _missed(site, Tab(user), MISSED, lambda: site.restart(number)))


async def kill(site: Site, user: str) -> str:
    """The server is killed while the tab is connected.

    The messages are sent after its restart, before the tab reconnects.
    """
    tab = Tab(user)
    async with site.connect(tab):
        await _send(site, user, 1, BEFORE)
        await tab.until(BEFORE)
        await site.restart(signal.SIGKILL)
    await _send(site, user, BEFORE + 1, BEFORE + MISSED)
    return str(await _returned(site, tab, BEFORE + MISSED + 1))


async def beyond(site: Site, user: str) -> str:
    """Send more than the buffer holds, while the tab is away longer than a session lasts."""
    return str(await _missed(site, Tab(user), MANY_MISSED, lambda: asyncio.sleep(AWAY_SECONDS)))


async def tabs(site: Site, user: str) -> str:
    """Return what one connected and one disconnected tab together did not receive."""
    stays, leaves = Tab(user), Tab(user)
    async with site.connect(stays):
        returner = await _missed(site, leaves, MISSED)
        await stays.until(BEFORE + MISSED + 1)
    stayer = stays.outcome(range(1, BEFORE + MISSED + 2))
    both = (
        stay_count + return_count
        for stay_count, return_count in zip(stayer[:3], returner[:3], strict=True)
    )
    return str(Outcome(*both, was_told=returner.was_told))


async def read_state(site: Site, user: str) -> str:
    """Mark messages as read in one tab, and return how many of the marks another one misses."""
    if not isinstance(site, Tidings):
        return "has none"
    desk, phone = Tab(user), Tab(user)
    async with site.connect(desk), site.connect(phone):
        await _send(site, user, 1, BEFORE)
        await desk.until(BEFORE)
        await phone.until(BEFORE)
    await site.mark_read(desk, READ)
    await _returned(site, phone, 0)
    return f"{READ - len(phone.read_ids)} lost" if len(phone.read_ids) < READ else "nothing"


async def _missed(
    site: Site, tab: Tab, count: int, meanwhile: Callable[[], Awaitable[None]] | None = None
) -> Outcome:
    async with site.connect(tab):
        await _send(site, tab.user, 1, BEFORE)
        await tab.until(BEFORE)
    half = BEFORE + count // 2
    await _send(site, tab.user, BEFORE + 1, half)
    if meanwhile:
        await meanwhile()
    await _send(site, tab.user, half + 1, BEFORE + count)
    return await _returned(site, tab, BEFORE + count + 1)


async def _returned(site: Site, tab: Tab, last: int) -> Outcome:
    """Reconnect the tab, and send a last message if it has a number.

    All messages before the last one have then either arrived or are lost.
    """
    async with site.connect(tab):
        if last:
            await site.send(tab.user, last)
        await tab.until(last)
    return tab.outcome(range(1, last + 1))


async def _send(site: Site, user: str, first: int, last: int) -> None:
    for number in range(first, last + 1):
        await site.send(user, number)


class Scenario(NamedTuple):
    """A row of the table; `short` if buffers are to be small."""

    name: str
    run: Callable[[Site, str], Awaitable[str]]
    short: bool = False


SCENARIOS = (
    Scenario(f"away while {MISSED} are sent", away),
    Scenario("… the server stopped and started meanwhile", restart),
    Scenario("the server killed under the connection", kill),
    Scenario("two tabs, one of them away", tabs),
    Scenario(
        f"{MANY_MISSED} sent, {BUFFER_MESSAGES} kept;"
        f" away {AWAY_SECONDS:.0f} s, kept {RECOVERY_SECONDS:.0f} s",
        beyond,
        short=True,
    ),
    Scenario(f"{READ} read in another tab meanwhile", read_state),
)


@asynccontextmanager
async def tidings(short: bool) -> AsyncGenerator[Site]:
    """Run an edge with all services behind it."""
    settings = {
        "notifications_per_user": BUFFER_MESSAGES,
        "snapshot_limit": BUFFER_MESSAGES,
        "ring_bytes": 1,
    }
    more: dict[str, object] = dict(settings) if short else {}
    async with (
        system("projector", "notifier") as running,
        run_restartable(partial(_edge, running, more)) as edge,
    ):
        yield Tidings(running, edge)


@asynccontextmanager
async def _edge(running: System, more: dict[str, object]) -> AsyncGenerator[Server]:
    async with running.service("edge", **more) as pid:
        yield Server(pid, running.ports["edge"])


@asynccontextmanager
async def fastapi(short: bool) -> AsyncGenerator[Site]:
    """Run FastAPI + Redis, which keeps nothing whether `short` or not."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidings-bench-")))
        dsn = (await stack.enter_async_context(run_postgres(directory))).dsn
        await stack.enter_async_context(table(dsn))
        redis = await stack.enter_async_context(redis_server())
        environment = {
            "PLAIN_POSTGRES_DSN": dsn,
            "PLAIN_REDIS_URL": f"redis://127.0.0.1:{redis.port}",
        }
        start = partial(uvicorn, "tests.benchmarks.peers.fastapi_redis:app", environment)
        yield await _site(stack, start, FastApi)


@asynccontextmanager
async def socket_io(short: bool, *, in_redis: bool) -> AsyncGenerator[Site]:
    """Run Socket.IO, which remembers in memory or in Redis Streams."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_server()) if in_redis else None
        seconds = RECOVERY_SECONDS if short else socketio.RECOVERY_SECONDS
        yield await _site(
            stack, partial(socketio.socketio, redis=redis, recovery_seconds=seconds), SocketIo
        )


@asynccontextmanager
async def nchan_site(short: bool, *, in_redis: bool) -> AsyncGenerator[Site]:
    """Run Nchan with its messages in memory or in Redis."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_server()) if in_redis else None
        yield await _site(
            stack, partial(nchan.nchan, redis=redis, buffer_messages=BUFFER_MESSAGES), Nchan
        )


async def _site(
    stack: AsyncExitStack,
    start: Callable[[], AbstractAsyncContextManager[Server]],
    kind: Callable[[RestartableServer, httpx.AsyncClient], Site],
) -> Site:
    server = await stack.enter_async_context(run_restartable(start))
    http = await stack.enter_async_context(httpx.AsyncClient(timeout=10, trust_env=False))
    return kind(server, http)


class Column(NamedTuple):
    """A system in the table."""

    name: str
    missing: str | None
    open: Callable[[bool], AbstractAsyncContextManager[Site]]


NO_REDIS = None if shutil.which("redis-server") else "redis-server not installed"
COLUMNS = (
    Column("Tidings", None, tidings),
    Column("FastAPI + Redis", NO_REDIS, fastapi),
    Column("Socket.IO", socketio.missing(), partial(socket_io, in_redis=False)),
    Column("… in Redis Streams", socketio.missing() or NO_REDIS, partial(socket_io, in_redis=True)),
    Column("Nchan", nchan.missing(), partial(nchan_site, in_redis=False)),
    Column("… in Redis", nchan.missing() or NO_REDIS, partial(nchan_site, in_redis=True)),
)


async def losses() -> str:
    """Return the table in Markdown: scenarios as rows, systems as columns, losses in the cells."""
    columns = [column for column in COLUMNS if not column.missing]
    cells_by_column = [await _lost(column) for column in columns]
    lines = [
        ("lost on a reconnect", *(column.name for column in columns)),
        ("---",) * (len(columns) + 1),
    ]
    lines += [
        (scenario.name, *cells)
        for scenario, *cells in zip(SCENARIOS, *cells_by_column, strict=True)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


async def _lost(column: Column) -> list[str]:
    """Return the losses of a system in each scenario."""
    cells: list[str] = []
    async with column.open(False) as usual, column.open(True) as short:
        for number, scenario in enumerate(SCENARIOS):
            cells.append(await scenario.run(short if scenario.short else usual, f"u{number}"))
            print(f"{column.name}: {scenario.name}: {cells[-1]}", file=sys.stderr, flush=True)
    return cells
