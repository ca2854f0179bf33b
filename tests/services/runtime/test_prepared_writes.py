"""Prepared writes: bytes straight to the transport, as far as a send would not wait or fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from tests.services.runtime.connection_server import (
    PREPARED_TEXT,
    ConnectionServer,
    serve_connections,
)

LIMIT_SECONDS = 20


@pytest.fixture
async def server() -> AsyncIterator[ConnectionServer]:
    """Serve while the test lasts."""
    async with serve_connections() as serving:
        yield serving


async def test_a_websocket_takes_prepared_frames_until_the_buffer_is_full(
    server: ConnectionServer,
) -> None:
    async with (
        asyncio.timeout(LIMIT_SECONDS),
        connect(f"ws://127.0.0.1:{server.target.port}/known", compression=None) as client,
    ):
        received = list[str]()
        for text in ("before", "prepared"):
            await client.send(text)
        while not received or not received[-1].isdigit():
            received.append(str(await client.recv()))

        first, *prepared, count = received
        assert first == "before"
        assert len(prepared) == int(count) > 0
        assert set(prepared) == {PREPARED_TEXT}

        await client.send("bye")
        with pytest.raises(ConnectionClosedOK):
            await client.recv()


async def test_an_answer_takes_prepared_chunks_between_its_head_and_its_end(
    server: ConnectionServer,
) -> None:
    async with (
        asyncio.timeout(LIMIT_SECONDS),
        server.target.connection() as (reader, writer),
    ):
        writer.write(b"GET /prepared HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        answer = await reader.read()

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    count = answer.count(b"c350\r\n" + b"y" * 50_000 + b"\r\n")
    assert count > 0
    last = b"%d" % count
    assert body.endswith(b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last))
