"""Many edges: on one port, wherever a client lands; or each for the people of some partitions, and the others sent elsewhere."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from tidings.contracts.subjects import Person, followed, partition_of
from tidings.runtime.settings import Settings
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.acceptance.faults import Process, eventually
from tests.acceptance.refused import refused
from tests.driver import Tidings, hello_to
from tests.webs import Web, environment, web, webs

CONNECTIONS = 24
ROUNDS = 20
EVEN = tuple(range(0, 16, 2))


@pytest.fixture
async def two(chosen: Settings) -> AsyncIterator[list[Web]]:
    """Two edges on one port."""
    async with webs(chosen, 2, heartbeat_seconds=0.5, connections_per_user=100) as running:
        yield running


@pytest.fixture
async def even(chosen: Settings) -> AsyncIterator[Web]:
    """An edge for the people of the even partitions."""
    async with web(
        chosen, edge_partitions=",".join(map(str, EVEN)), heartbeat_seconds=0.5
    ) as running:
        yield running


def named(tidings: Tidings, remainder: int) -> str:
    """A user in an even (0) or odd (1) partition."""
    return next(
        name
        for name in map(str, range(100))
        if partition_of(Person(tidings.tenant, name), 16) % 2 == remainder
    )


async def test_connections_to_one_port_are_spread_over_its_edges(
    tidings: Tidings, two: list[Web]
) -> None:
    before = [edge.sockets for edge in two]

    async with (
        Tidings(two[0].url, tidings.runtime, tidings.tenant) as driver,
        AsyncExitStack() as stack,
    ):
        for _ in range(CONNECTIONS):
            await (await stack.enter_async_context(driver.socket("alice"))).live()
        grown = [edge.sockets - sockets for edge, sockets in zip(two, before, strict=True)]

    assert sum(grown) == CONNECTIONS
    assert all(grown), grown


async def test_whoever_comes_back_anywhere_gets_all_that_was_missed_once(
    tidings: Tidings, two: list[Web]
) -> None:
    titles, cursor = list[str](), None
    async with Tidings(two[0].url, tidings.runtime, tidings.tenant) as driver:
        async with driver.socket("alice") as client:
            cursor = (await client.live()).cursor
        for number in range(ROUNDS):
            await driver.emit(hello_to("alice", title=f"{number} away"))
            transport = driver.socket if number % 2 else driver.events
            async with transport("alice", cursor) as client:
                await client.until(1)
                await driver.emit(hello_to("alice", title=f"{number} there"))
                await client.until(2)
                cursor, counts = client.cursor, client.counts
            titles += [entry["title"] for entry in client.entries]

    assert titles == [
        f"{number} {where}" for number in range(ROUNDS) for where in ("away", "there")
    ]
    assert counts["unread"] == 2 * ROUNDS


async def test_a_mark_made_at_one_edge_shows_at_every_other(
    tidings: Tidings, two: list[Web]
) -> None:
    async with (
        Tidings(two[0].url, tidings.runtime, tidings.tenant) as driver,
        AsyncExitStack() as stack,
    ):
        tabs = [
            await (await stack.enter_async_context(driver.socket("alice"))).live() for _ in range(8)
        ]
        await driver.emit(hello_to("alice"))
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


async def test_a_worker_that_is_killed_is_replaced_and_its_clients_come_back_to_another(
    tidings: Tidings, chosen: Settings, tmp_path: Path
) -> None:
    command = Process(
        ("edge", "--workers", "2"), environment(chosen, port=0), tmp_path / "edge.log"
    )
    url = await command.start()
    async with Tidings(url, tidings.runtime, tidings.tenant) as driver:
        async with driver.socket("alice") as client:
            cursor = (await client.live()).cursor
        first = command.children()

        os.kill(first[0], signal.SIGKILL)
        await tidings.emit(hello_to("alice"))

        assert await _missed(driver, cursor) == 1
        await eventually(lambda: _two_again(command, first[0]))
    command.kill(signal.SIGTERM)
    assert await command.wait() == 0


async def _missed(driver: Tidings, cursor: str | None) -> int:
    """How many entries a client gets that comes back until it is let in: what the kernel gave to the dead worker is not."""
    async with asyncio.timeout(30):
        while True:
            with suppress(WebSocketException, OSError, EOFError):
                async with driver.socket("alice", cursor) as client:
                    return len(await client.until(1))
            await asyncio.sleep(0.1)


async def _two_again(command: Process, dead: int) -> bool:
    return len(command.children()) == 2 and dead not in command.children()


async def test_an_edge_of_some_partitions_serves_their_people_as_any_other(
    tidings: Tidings, even: Web
) -> None:
    user = named(tidings, 0)
    async with tidings.socket(user) as elsewhere:
        cursor = (await elsewhere.live()).cursor

    async with (
        Tidings(even.url, tidings.runtime, tidings.tenant) as driver,
        driver.socket(user, cursor) as client,
    ):
        await driver.emit(hello_to(user, named(tidings, 1), title="one"))
        (note,) = await client.until(1)
        result = await client.mark("read", note["id"])
        await client.until_counts(unread=0)

        assert (note["title"], result["ok"]) == ("one", True)
        assert (await driver.eventually(user, total=1))["unread"] == 0
        assert [each["id"] for each in await driver.listing(user)] == [note["id"]]


async def test_an_edge_of_some_partitions_follows_only_these(tidings: Tidings, even: Web) -> None:
    consumers: list[dict[str, Any]] = (
        await tidings.runtime.jetstream.call("CONSUMER.LIST.NOTIFICATIONS")
    )["consumers"]

    assert sorted(followed(EVEN)) in [
        sorted(each["config"].get("filter_subjects", ())) for each in consumers
    ]


async def test_whoever_is_of_another_partition_is_sent_elsewhere(
    tidings: Tidings, even: Web
) -> None:
    user = named(tidings, 1)
    number = partition_of(Person(tidings.tenant, user), 16)

    async with Tidings(even.url, tidings.runtime, tidings.tenant) as driver:
        answers = [
            await driver.http.get(path, headers=driver.headers(user))
            for path in ("/v1/counts", "/v1/log", "/v1/notifications")
        ]
        stream = await driver.http.get("/v1/stream", headers=driver.headers(user))
        async with driver.socket(user) as client:
            with pytest.raises(ConnectionClosed) as closed:
                await client.next()

    assert {refused(answer, 421)["partition"] for answer in answers} == {number}
    assert f"partition={number} " in refused(stream, 421)["detail"]
    assert closed.value.rcvd
    assert (closed.value.rcvd.code, f"partition={number} " in closed.value.rcvd.reason) == (
        4106,
        True,
    )
