"""HTTP connections: heads, bodies, pipelines and unread answers have limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.acceptance.attacker import request, upgrade
from tests.services.runtime.connection_server import ConnectionServer, serve_connections
from tests.waiting import wait_until

LIMIT_SECONDS = 20
SHORT = {"head_seconds": 0.3, "body_window_seconds": 0.3, "unread_seconds": 0.3}
QUICK: dict[str, Any] = {**SHORT, "close_seconds": 0.3, "refusal_seconds": 0.5}


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[ConnectionServer]:
    """Serve with the usual bounds."""
    async with serve_connections() as serving:
        yield serving


@pytest.fixture(scope="module")
async def quick_server() -> AsyncIterator[ConnectionServer]:
    """Serve with times that a test can wait for."""
    async with serve_connections(**QUICK) as serving:
        yield serving


async def exchange(server: ConnectionServer, sent: bytes) -> bytes:
    """Send bytes, and return everything that is received until the server ends the connection."""
    async with server.target.connection() as (reader, writer), asyncio.timeout(LIMIT_SECONDS):
        writer.write(sent)
        received = b""
        try:
            while chunk := await reader.read(2**16):
                received += chunk
        except ConnectionError:
            pass
        return received


def check_refusal(answer: bytes, status: int) -> None:
    """Check that an answer is a problem document with this status, and its connection closes."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b"application/problem+json" in head and b"connection: close" in head.lower()
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"x" * 9_000, 414),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: t\r\n\r\n", 414),
        (request("/", "X-Long: " + "x" * 9_000), 431),
        (request("/", *(f"X-{number}: 1" for number in range(101))), 431),
        (request("/", *(f"X-{number}: {'x' * 5_000}" for number in range(7))), 431),
        (b"GET / HTTP/1.1\r\nX-Unended: " + b"x" * 300_000, 431),
        (request("/", *(f"X-{number}: 1" for number in range(130)), "Upgrade: websocket"), 431),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (request("/body", "Transfer-Encoding: chunked", method="POST") + b"nonsense\r\n", 400),
        (request("/body", "Content-Length: -1", method="POST"), 400),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_head_beyond_its_limits_is_refused_with_its_status(
    server: ConnectionServer, sent: bytes, status: int
) -> None:
    check_refusal(await exchange(server, sent), status)


async def test_an_endless_head_is_refused_though_it_comes_in_small_parts(
    server: ConnectionServer,
) -> None:
    async with server.target.connection() as (reader, writer), asyncio.timeout(LIMIT_SECONDS):
        writer.write(b"GET / HTTP/1.1\r\nX-Long: ")
        for _ in range(40):
            writer.write(b"x" * 1_000)
            await writer.drain()
            await asyncio.sleep(0)

        check_refusal(await reader.read(-1), 431)


@pytest.mark.parametrize(
    "fields",
    [
        ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
        (
            *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
            *("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Content-Length: 5"),
        ),
    ],
    ids=["no key", "a body"],
)
async def test_an_invalid_upgrade_is_answered(
    server: ConnectionServer, fields: tuple[str, ...]
) -> None:
    assert (await exchange(server, request("/", *fields))).startswith(b"HTTP/1.1 400 ")


async def test_an_upgrade_to_another_protocol_is_answered_and_ends_the_connection(
    server: ConnectionServer,
) -> None:
    answer = await exchange(server, request("/body", "Connection: Upgrade", "Upgrade: h2c"))

    assert answer.startswith(b"HTTP/1.1 200 ") and b"connection: close" in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: te", 408),
        (request("/body", "Content-Length: 10", method="POST") + b"123", 408),
        (b"", None),
        (b"\r\n\r\n", None),
    ],
)
async def test_a_half_request_ends_in_time(
    quick_server: ConnectionServer, sent: bytes, status: int | None
) -> None:
    answer = await exchange(quick_server, sent)

    if status:
        check_refusal(answer, status)
    else:
        assert answer == b""


async def test_a_body_that_goes_on_arriving_has_its_time(quick_server: ConnectionServer) -> None:
    async with quick_server.target.connection() as (reader, writer):
        writer.write(request("/body", "Content-Length: 16000", method="POST"))
        for _ in range(8):
            writer.write(b"x" * 2_000)
            await asyncio.sleep(QUICK["body_window_seconds"] / 4)

        async with asyncio.timeout(LIMIT_SECONDS):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_few_requests_at_once_are_answered_in_their_order(
    server: ConnectionServer,
) -> None:
    sent = b"".join(
        request("/body", f"Content-Length: {count}", method="POST") + b"x" * count
        for count in range(8)
    )

    answers = await exchange(server, sent + request("/", "Connection: close"))

    bodies = [part.partition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert bodies == [*(str(count).encode() for count in range(8)), b"0"]


async def test_requests_beyond_the_waiting_ones_are_not_read_and_the_rest_is_answered(
    server: ConnectionServer,
) -> None:
    before = len(server.paths)

    answers = await exchange(server, request("/") * 1_000)

    count = answers.count(b"HTTP/1.1 200 OK")
    assert count == len(server.paths) - before == 11
    assert answers.count(b"connection: close") == 1


async def test_the_body_of_a_waiting_request_is_not_read_on(server: ConnectionServer) -> None:
    async with server.target.connection() as (_, writer):
        writer.write(request("/wait") + request("/body", "Content-Length: 99999999", method="POST"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                for _ in range(99_999_999 // 2**16):
                    writer.write(b"x" * 2**16)
                    await writer.drain()


async def test_an_answer_that_is_not_read_is_given_up_with_a_reset(
    quick_server: ConnectionServer,
) -> None:
    aborted = quick_server.metrics.aborted["unread"]
    async with quick_server.target.connection() as (reader, writer):
        writer.write(request("/large"))
        await reader.readuntil(b"\r\n\r\n")  # the reader then stops at its own limit

        await wait_until(is_reset(quick_server, aborted))
        with pytest.raises(ConnectionError):
            while await reader.read(2**16):
                pass


@pytest.mark.parametrize(
    "sent",
    [
        request("/") * 12,
        request("/", "Connection: Upgrade", "Upgrade: h2c"),
        upgrade(),
    ],
    ids=["a full pipeline", "an unknown protocol", "a WebSocket"],
)
async def test_no_request_switches_the_time_of_unread_answers_off(
    quick_server: ConnectionServer, sent: bytes
) -> None:
    aborted = quick_server.metrics.aborted["unread"]
    async with quick_server.target.connection() as (reader, writer):
        writer.write(request("/large"))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)

        await wait_until(is_reset(quick_server, aborted))


async def test_a_closed_connection_whose_rest_is_not_read_is_reset(
    quick_server: ConnectionServer,
) -> None:
    aborted = quick_server.metrics.aborted["unread"]
    async with quick_server.target.connection() as (_, writer):
        writer.write(request("/large", "Connection: close"))

        await wait_until(is_reset(quick_server, aborted))
    await wait_until(is_empty(quick_server))


def is_reset(server: ConnectionServer, before: int) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return server.metrics.aborted["unread"] > before

    return condition


def is_empty(server: ConnectionServer) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return server.metrics.open_connections == 0

    return condition


async def test_a_body_that_nobody_reads_after_the_answer_ends() -> None:
    async with serve_connections(discarded_bytes=100_000) as server:
        async with server.target.connection() as (_, writer), asyncio.timeout(LIMIT_SECONDS):
            writer.write(request("/", "Content-Length: 999999999", method="POST"))
            with pytest.raises(ConnectionError):
                while True:
                    writer.write(b"x" * 2**16)
                    await writer.drain()
                    await asyncio.sleep(0)
        assert server.metrics.aborted["flood"] == 1


async def test_a_body_that_goes_on_after_the_answer_has_one_time_in_all(
    quick_server: ConnectionServer,
) -> None:
    async with quick_server.target.connection() as (reader, writer), asyncio.timeout(LIMIT_SECONDS):
        writer.write(request("/", "Content-Length: 999999999", method="POST"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(ConnectionError):
            for _ in range(100):
                writer.write(b"x" * 2_000)
                await writer.drain()
                await asyncio.sleep(QUICK["close_seconds"] / 10)


async def test_a_body_that_ends_in_time_after_the_answer_leaves_the_connection_usable(
    quick_server: ConnectionServer,
) -> None:
    async with quick_server.target.connection() as (reader, writer), asyncio.timeout(LIMIT_SECONDS):
        writer.write(request("/", "Content-Length: 10", method="POST"))
        await reader.readuntil(b"\r\n\r\n0")
        writer.write(b"x" * 10 + request("/body", "Content-Length: 16000", method="POST"))
        for _ in range(8):
            writer.write(b"x" * 2_000)
            await asyncio.sleep(QUICK["close_seconds"] / 4)

        assert (await reader.readuntil(b"\r\n\r\n16000")).startswith(b"HTTP/1.1 200 ")
