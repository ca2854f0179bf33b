"""Several edges: on one port for all clients, or each for the users of some partitions."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from tidings.contracts.close_codes import decode_reason
from tidings.contracts.subjects import Person, Subjects
from tidings.runtime.settings import Settings
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.acceptance.faults import Process
from tests.acceptance.problems import check_problem
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.metrics_page import read_metrics, wait_for_value
from tests.waiting import wait_until
from tests.web_processes import WebProcess, make_environment, run_web, run_webs

CONNECTIONS = 24
ROUNDS = 20
EVEN = tuple(range(0, 16, 2))


@pytest.fixture
async def edges(chosen: Settings) -> AsyncIterator[list[WebProcess]]:
    """Run two edges on one port."""
    async with run_webs(chosen, 2, heartbeat_seconds=0.5, connections_per_user=100) as running:
        yield running


@pytest.fixture
async def even_edge(chosen: Settings) -> AsyncIterator[WebProcess]:
    """Run an edge for the users of the even partitions."""
    async with run_web(
        chosen, edge_partitions=",".join(map(str, EVEN)), heartbeat_seconds=0.5
    ) as running:
        yield running


def find_user(tidings: Tidings, remainder: int) -> str:
    """Return a user of an even (0) or odd (1) partition."""
    return next(
        name
        for name in map(str, range(100))
        if Subjects(16).partition_of(Person(tidings.tenant, name)) % 2 == remainder
    )


async def test_connections_to_one_port_are_spread_over_its_edges(
    tidings: Tidings, edges: list[WebProcess]
) -> None:
    before = [edge.sockets for edge in edges]

    async with (
        Tidings(edges[0].url, tidings.runtime, tidings.tenant) as driver,
        AsyncExitStack() as stack,
    ):
        for _ in range(CONNECTIONS):
            await (await stack.enter_async_context(driver.socket("alice"))).live()
        new_connections = [
            edge.sockets - sockets for edge, sockets in zip(edges, before, strict=True)
        ]

    assert sum(new_connections) == CONNECTIONS
    assert all(new_connections), new_connections


async def test_a_client_that_returns_to_any_edge_gets_everything_it_missed_once(
    tidings: Tidings, edges: list[WebProcess]
) -> None:
    titles, cursor = list[str](), None
    async with Tidings(edges[0].url, tidings.runtime, tidings.tenant) as driver:
        async with driver.socket("alice") as client:
            cursor = (await client.live()).cursor
        for number in range(ROUNDS):
            await driver.emit(make_announcement("alice", title=f"{number} away"))
            transport = driver.socket if number % 2 else driver.events
            async with transport("alice", cursor) as client:
                await client.until(1)
                await driver.emit(make_announcement("alice", title=f"{number} there"))
                await client.until(2)
                cursor, counts = client.cursor, client.counts
            titles += [entry["title"] for entry in client.entries]

    assert titles == [
        f"{number} {place}" for number in range(ROUNDS) for place in ("away", "there")
    ]
    assert counts["unread"] == 2 * ROUNDS


async def test_a_mark_made_at_one_edge_shows_at_every_other(
    tidings: Tidings, edges: list[WebProcess]
) -> None:
    async with (
        Tidings(edges[0].url, tidings.runtime, tidings.tenant) as driver,
        AsyncExitStack() as stack,
    ):
        tabs = [
            await (await stack.enter_async_context(driver.socket("alice"))).live() for _ in range(8)
        ]
        await driver.emit(make_announcement("alice"))
        (note,) = [(await tab.until(1))[0] for tab in tabs][:1]

        results = [
            await tab.mark(state, note["id"])
            for tab, state in zip(tabs, ("seen", "read", "unread", "archived") * 2, strict=True)
        ]

        assert all(result["ok"] for result in results)
        for tab in tabs:
            await tab.until(1 + len(tabs))
            assert [entry["state"] for entry in tab.entries[1:]] == [
                "seen",
                "read",
                "unread",
                "archived",
            ] * 2
            assert tab.counts["total"] == 0


async def test_a_killed_worker_is_replaced_and_its_clients_reconnect_to_another(
    tidings: Tidings, chosen: Settings, tmp_path: Path
) -> None:
    command = Process(
        ("edge", "--workers", "2"), make_environment(chosen, port=0), tmp_path / "edge.log"
    )
    url = await command.start()
    async with Tidings(url, tidings.runtime, tidings.tenant) as driver:
        async with driver.socket("alice") as client:
            cursor = (await client.live()).cursor
        workers = command.children()

        os.kill(workers[0], signal.SIGKILL)
        await tidings.emit(make_announcement("alice"))

        assert await _count_missed(driver, cursor) == 1
        await wait_until(lambda: _has_two_workers(command, workers[0]))
    command.kill(signal.SIGTERM)
    assert await command.wait() == 0


async def _count_missed(driver: Tidings, cursor: str | None) -> int:
    """Reconnect until accepted, and return the number of missed entries.

    Connections that the kernel assigns to the killed worker fail.
    """
    async with asyncio.timeout(30):
        while True:
            with suppress(WebSocketException, OSError, EOFError):
                async with driver.socket("alice", cursor) as client:
                    return len(await client.until(1))
            await asyncio.sleep(0.1)


async def _has_two_workers(command: Process, dead_pid: int) -> bool:
    return len(command.children()) == 2 and dead_pid not in command.children()


async def test_an_edge_of_some_partitions_serves_their_users_like_any_other(
    tidings: Tidings, even_edge: WebProcess
) -> None:
    user = find_user(tidings, 0)
    async with tidings.socket(user) as elsewhere:
        cursor = (await elsewhere.live()).cursor

    async with (
        Tidings(even_edge.url, tidings.runtime, tidings.tenant) as driver,
        driver.socket(user, cursor) as client,
    ):
        await driver.emit(make_announcement(user, find_user(tidings, 1), title="one"))
        (note,) = await client.until(1)
        result = await client.mark("read", note["id"])
        await client.until_counts(unread=0)

        assert (note["title"], result["ok"]) == ("one", True)
        assert (await driver.wait_for_counts(user, total=1))["unread"] == 0
        assert [notification["id"] for notification in await driver.list_all(user)] == [note["id"]]


async def test_an_edge_of_some_partitions_keeps_only_their_entries(
    tidings: Tidings, even_edge: WebProcess
) -> None:
    served, other = find_user(tidings, 0), find_user(tidings, 1)
    async with Tidings(even_edge.url, tidings.runtime, tidings.tenant) as driver:
        before = await read_metrics(even_edge.url)
        async with driver.socket(served) as client:
            await tidings.emit(*(make_announcement(other) for _ in range(20)))
            await tidings.emit(make_announcement(served))
            await client.until(1)
        after = await read_metrics(even_edge.url)

    assert after.value("tidings_ring_messages") == before.value("tidings_ring_messages") + 1
    await wait_for_value(even_edge.url, 0, "tidings_follower_lag_messages", follower="edge")


async def test_a_user_of_another_partition_is_redirected(
    tidings: Tidings, even_edge: WebProcess
) -> None:
    user = find_user(tidings, 1)
    number = Subjects(16).partition_of(Person(tidings.tenant, user))

    async with Tidings(even_edge.url, tidings.runtime, tidings.tenant) as driver:
        answers = [
            await driver.http.get(path, headers=driver.headers(user))
            for path in ("/v1/counts", "/v1/log", "/v1/notifications")
        ]
        stream = await driver.http.get("/v1/stream", headers=driver.headers(user))
        async with driver.socket(user) as client:
            with pytest.raises(ConnectionClosed) as close:
                await client.next()

    assert {check_problem(answer, 421)["partition"] for answer in answers} == {number}
    assert check_problem(stream, 421)["partition"] == number
    assert close.value.rcvd
    reason = decode_reason(close.value.rcvd.reason)
    assert (close.value.rcvd.code, reason.partition) == (4106, number)
