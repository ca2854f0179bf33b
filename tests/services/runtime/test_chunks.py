"""Chunked bodies: what comes around and after the chunks has limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.acceptance.attacker import request
from tests.services.runtime.connection_server import ConnectionServer, serve_connections
from tests.services.runtime.test_http_bounds import LIMIT_SECONDS, check_refusal, exchange

CHUNKED = request("/body", "Transfer-Encoding: chunked", method="POST")


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[ConnectionServer]:
    """Serve with the usual bounds."""
    async with serve_connections() as serving:
        yield serving


async def test_a_trailer_is_no_header(server: ConnectionServer) -> None:
    body = b"3\r\nabc\r\n0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
    answer = await exchange(
        server,
        request("/body", "Transfer-Encoding: chunked", "Connection: close", method="POST") + body,
    )

    assert answer.endswith(b"3")


async def send_in_parts(server: ConnectionServer, first: bytes, part: bytes) -> bytes:
    """Send a part again and again until the server answers; return what it answers."""
    async with server.target.connection() as (reader, writer), asyncio.timeout(LIMIT_SECONDS):
        writer.write(first)
        answering = asyncio.create_task(reader.read(-1))
        for _ in range(3 * 32):
            if answering.done():
                break
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.write_eof()
        return await answering


@pytest.mark.parametrize("first", [b"0\r\nX-Trailer: ", b"1;extension=", b"1\r\nx\r\n0\r\nX: "])
async def test_endless_lines_between_and_after_chunks_are_refused(
    server: ConnectionServer, first: bytes
) -> None:
    check_refusal(await send_in_parts(server, CHUNKED + first, b"x" * 1_000), 431)


async def test_extensions_of_chunks_are_refused_if_they_outweigh_the_body(
    server: ConnectionServer,
) -> None:
    check_refusal(await send_in_parts(server, CHUNKED, b"1;%b\r\nx\r\n" % (b"x" * 1_000)), 431)


async def test_a_body_may_come_in_the_smallest_chunks(server: ConnectionServer) -> None:
    chunks = b"1\r\nx\r\n" * 200_000

    answer = await exchange(
        server, CHUNKED + chunks + b"0\r\n\r\n" + request("/", "Connection: close")
    )

    assert b"\r\n\r\n200000HTTP/1.1 200" in answer


async def test_a_trailer_that_follows_the_answer_ends_the_connection(
    server: ConnectionServer,
) -> None:
    aborted = server.metrics.aborted["head_size"]
    unread = request("/", "Transfer-Encoding: chunked", method="POST")
    with pytest.raises(ConnectionError):
        await send_in_parts(server, unread + b"0\r\nX-Trailer: ", b"x" * 1_000)
    assert server.metrics.aborted["head_size"] == aborted + 1
