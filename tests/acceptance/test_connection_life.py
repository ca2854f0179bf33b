"""The life of a connection: drains move it, stuck readers end it, clients may reconnect."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
from tidings.contracts.close_codes import CloseCode
from tidings.runtime.http.listener import bind_listener
from tidings.runtime.settings import Settings

from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import Client, Tidings
from tests.waiting import wait_until
from tests.web_processes import WebProcess, run_web

BIG = "x" * 100_000
TOO_SLOW_CODE_BYTES = int(CloseCode.TOO_SLOW).to_bytes(2, "big")


@pytest.fixture
async def edge(tidings: Tidings, chosen: Settings) -> AsyncIterator[WebProcess]:
    """Run an edge for one test."""
    async with run_web(
        chosen, send_timeout_seconds=1, heartbeat_seconds=0.5, connections_per_user=50
    ) as running:
        yield running


@pytest.fixture
async def edge_driver(tidings: Tidings, edge: WebProcess) -> AsyncIterator[Tidings]:
    """Return a driver of the same tenant at that edge."""
    async with make_driver_at(tidings, edge.url) as driver:
        yield driver


async def wait_for_connections(edge: WebProcess, connections: int) -> None:
    """Wait until an edge counts this many connections."""
    gauge = f"\ntidings_connections {connections}"
    async with httpx.AsyncClient() as http:

        async def is_reached() -> bool:
            return gauge in (await http.get(f"{edge.url}/metrics")).text

        await wait_until(is_reached)


def connect_without_reading(tidings: Tidings, user: str, cursor: str) -> socket.socket:
    """Open a WebSocket that asks for a replay and then reads nothing."""
    address = urlsplit(tidings.url)
    client = socket.socket()
    # A small buffer fills at once, so that the edge notices the stuck reader early.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((address.hostname, address.port))
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall(
        f"GET /v1/socket?cursor={cursor} HTTP/1.1\r\n"
        "Host: tests\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Authorization: Bearer {tidings.token(user)}\r\n\r\n".encode()
    )
    client.setblocking(False)
    return client


async def test_a_stopping_edge_gives_each_client_its_own_delay_to_move_and_closes(
    edge_driver: Tidings, edge: WebProcess
) -> None:
    sockets = [
        await (await edge_driver.connect(f"user-{number % 7}")).live() for number in range(40)
    ]
    streams = [
        await (await edge_driver.stream(f"user-{number % 7}")).live() for number in range(10)
    ]

    os.kill(edge.pid, signal.SIGTERM)
    moves = [(await client.next("move"))["after_milliseconds"] for client in [*sockets, *streams]]
    codes = [await client.wait_for_close() for client in sockets]
    ends = [await client.next("move") for client in streams]

    assert sorted(moves) == list(range(50))
    assert set(codes) == {CloseCode.DRAINING}
    assert {end["after_milliseconds"] for end in ends} == {0}


async def test_a_moved_client_continues_at_another_edge_without_gap_or_repeat(
    edge_driver: Tidings, edge: WebProcess, tidings: Tidings
) -> None:
    client = await (await edge_driver.connect("alice")).live()
    await tidings.emit(make_announcement("alice", title="before"))
    await client.until(1)

    os.kill(edge.pid, signal.SIGTERM)
    assert await client.wait_for_close() == CloseCode.DRAINING
    await tidings.emit(make_announcement("alice", title="after"))
    again = await tidings.connect("alice", client.cursor)
    await again.until(1)

    assert [entry["title"] for entry in (*client.entries, *again.entries)] == ["before", "after"]


async def test_a_stuck_reader_is_closed_with_a_code_that_allows_reconnecting(
    edge_driver: Tidings, edge: WebProcess
) -> None:
    cursor = (await edge_driver.get("/v1/log", "alice"))["cursor"]
    for _ in range(10):
        await edge_driver.emit(*(make_announcement("alice", message=BIG) for _ in range(10)))
    await edge_driver.wait_for_counts("alice", total=100)

    client = connect_without_reading(edge_driver, "alice", cursor)
    await wait_for_connections(edge, 1)
    await wait_for_connections(edge, 0)
    received = await read_to_close(client)

    assert TOO_SLOW_CODE_BYTES in received[-60:]
    assert CloseCode.TOO_SLOW.should_reconnect


async def read_to_close(client: socket.socket) -> bytes:
    """Return everything that arrives until the other side closes."""
    loop, received = asyncio.get_running_loop(), b""
    async with asyncio.timeout(20):
        while data := await loop.sock_recv(client, 2**20):
            received += data
            if TOO_SLOW_CODE_BYTES in received[-60:]:
                break
    client.close()
    return received


async def test_a_slow_reader_catches_up_and_delays_no_other(
    tidings: Tidings,
) -> None:
    cursor = (await tidings.get("/v1/log", "alice"))["cursor"]
    slow, quick = (
        await tidings.connect("alice", cursor),
        await (await tidings.connect("alice", cursor)).live(),
    )

    for number in range(60):
        await tidings.emit(make_announcement("alice", message=BIG, title=f"№ {number}"))
    await quick.until(60)
    await slow.until(60)

    for client in (quick, slow):
        assert [entry["title"] for entry in client.entries] == [
            f"№ {number}" for number in range(60)
        ]


async def test_the_kernel_gives_up_a_silent_peer() -> None:
    with (
        bind_listener("127.0.0.1", 0, 60) as listener,
        socket.create_connection(listener.getsockname()) as _,
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


async def test_a_ping_is_answered_with_the_cursor_of_the_client(tidings: Tidings) -> None:
    client = await (await tidings.connect("alice")).live()

    await client.send({"type": "ping"})

    assert (await client.next("heartbeat"))["cursor"] == client.cursor


async def test_hello_always_carries_a_cursor_to_resume_from(tidings: Tidings) -> None:
    first: Client = await tidings.connect("nobody-yet")
    hello = await first.next("hello")

    await tidings.emit(make_announcement("nobody-yet"))
    again = await tidings.connect("nobody-yet", hello["cursor"])

    assert len(await again.until(1)) == 1
