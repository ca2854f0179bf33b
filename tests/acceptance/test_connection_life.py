"""A connection's life: a drain moves it, silence or a reader that is stuck ends it, and it may always come back."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tidings.contracts.closing import Code
from tidings.runtime.listener import bind
from tidings.runtime.settings import Settings

from tests.driver import Client, Tidings, hello_to
from tests.webs import Web, web

BIG = "x" * 100_000
CLOSE = int(Code.TOO_SLOW).to_bytes(2, "big")


@pytest.fixture
async def edge(tidings: Tidings, chosen: Settings) -> AsyncIterator[Web]:
    """An edge of the test's own."""
    async with web(chosen, send_seconds=1, heartbeat_seconds=0.5, connections_per_user=50) as alone:
        yield alone


@pytest.fixture
async def alone(tidings: Tidings, edge: Web) -> AsyncIterator[Tidings]:
    """The same people at that edge."""
    async with Tidings(edge.url, tidings.runtime, tidings.tenant) as driver:
        yield driver


async def has(edge: Web, connections: int) -> None:
    """Wait until an edge says that it has so many connections."""
    async with httpx.AsyncClient() as http, asyncio.timeout(20):
        while (
            f"\ntidings_connections {connections}"
            not in (await http.get(f"{edge.url}/metrics")).text
        ):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def deaf(tidings: Tidings, user: str, cursor: str) -> socket.socket:
    """A WebSocket whose client asks for a log and then reads nothing."""
    address = urlsplit(tidings.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((address.hostname, address.port))
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall(
        f"GET /v1/socket?cursor={cursor} HTTP/1.1\r\nHost: tests\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nAuthorization: Bearer {tidings.token(user)}\r\n\r\n".encode()
    )
    client.setblocking(False)
    return client


async def test_a_stopping_edge_moves_everybody_in_a_slot_of_their_own_and_closes(
    alone: Tidings, edge: Web
) -> None:
    sockets = [await (await alone.connect(f"user-{number % 7}")).live() for number in range(40)]
    streams = [await (await alone.stream(f"user-{number % 7}")).live() for number in range(10)]

    os.kill(edge.pid, signal.SIGTERM)
    moves = [(await client.next("move"))["after_milliseconds"] for client in [*sockets, *streams]]
    codes = [await client.closed() for client in sockets]
    ends = [await client.next("error") for client in streams]

    assert sorted(moves) == list(range(50))
    assert set(codes) == {Code.DRAINING}
    assert {(end["code"], end["retry"]) for end in ends} == {(str(int(Code.DRAINING)), True)}


async def test_whoever_was_moved_goes_on_elsewhere_without_gap_or_repeat(
    alone: Tidings, edge: Web, tidings: Tidings
) -> None:
    client = await (await alone.connect("alice")).live()
    await tidings.emit(hello_to("alice", title="before"))
    await client.until(1)

    os.kill(edge.pid, signal.SIGTERM)
    assert await client.closed() == Code.DRAINING
    await tidings.emit(hello_to("alice", title="after"))
    again = await tidings.connect("alice", client.cursor)
    await again.until(1)

    assert [entry["title"] for entry in (*client.entries, *again.entries)] == ["before", "after"]


async def test_a_reader_that_is_stuck_ends_with_a_code_that_says_come_back(
    alone: Tidings, edge: Web
) -> None:
    cursor = (await alone.get("/v1/log", "alice"))["cursor"]
    for _ in range(10):
        await alone.emit(*(hello_to("alice", message=BIG) for _ in range(10)))
    await alone.eventually("alice", total=100)

    client = deaf(alone, "alice", cursor)
    await has(edge, 1)
    await has(edge, 0)
    told = await drained(client)

    assert CLOSE in told[-60:]
    assert Code.TOO_SLOW.comes_back


async def drained(client: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    loop, told = asyncio.get_running_loop(), b""
    async with asyncio.timeout(20):
        while data := await loop.sock_recv(client, 2**20):
            told += data
            if CLOSE in told[-60:]:
                break
    client.close()
    return told


async def test_a_slow_reader_lags_and_catches_up_while_others_are_not_kept_waiting(
    tidings: Tidings,
) -> None:
    cursor = (await tidings.get("/v1/log", "alice"))["cursor"]
    slow, quick = (
        await tidings.connect("alice", cursor),
        await (await tidings.connect("alice", cursor)).live(),
    )

    for number in range(60):
        await tidings.emit(hello_to("alice", message=BIG, title=f"№ {number}"))
    await quick.until(60)
    await slow.until(60)

    for client in (quick, slow):
        assert [entry["title"] for entry in client.entries] == [
            f"№ {number}" for number in range(60)
        ]


async def test_a_silent_peer_is_given_up_by_the_kernel() -> None:
    with (
        bind("127.0.0.1", 0, 60) as listener,
        socket.create_connection(listener.getsockname()) as _,
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


async def test_a_ping_is_answered_by_where_the_client_stands(tidings: Tidings) -> None:
    client = await (await tidings.connect("alice")).live()

    await client.send({"type": "ping"})

    assert (await client.next("heartbeat"))["cursor"] == client.cursor


async def test_hello_always_carries_a_cursor_to_come_back_with(tidings: Tidings) -> None:
    first: Client = await tidings.connect("nobody-yet")
    hello = await first.next("hello")

    await tidings.emit(hello_to("nobody-yet"))
    again = await tidings.connect("nobody-yet", hello["cursor"])

    assert len(await again.until(1)) == 1


def test_every_close_code_says_what_a_client_should_do() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()

    for code in Code:
        assert f"| {int(code)} | {code.advice} |" in readme, code.name
