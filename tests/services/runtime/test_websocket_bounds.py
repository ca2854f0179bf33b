"""WebSockets: frames of every kind have limits, before and after the client is known."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from tidings.contracts.close_codes import CloseCode
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.acceptance.attacker import (
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    frame,
    open_websocket,
    upgrade,
)
from tests.services.runtime.connection_server import ConnectionServer, serve_connections
from tests.waiting import wait_until

LIMIT_SECONDS = 20
FLOOD = 400_000
KINDS = {
    "empty pings": frame(PING),
    "pings": frame(PING, b"x" * 125),
    "empty messages": frame(TEXT),
    "messages": frame(TEXT, b"{}"),
    "empty fragments": frame(CONTINUATION, final=False),
}


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[ConnectionServer]:
    """Serve with few frames a minute and little time to read."""
    async with serve_connections(
        frame_rate=(100, 60.0), unread_seconds=0.3, close_seconds=0.3
    ) as serving:
        yield serving


async def flood(server: ConnectionServer, path: str, sent: bytes) -> bytes:
    """Send bytes on a WebSocket, and return what comes back until it ends."""
    async with server.target.connection() as (reader, writer), asyncio.timeout(LIMIT_SECONDS):
        await open_websocket(reader, writer, path=path)
        writer.write(sent)
        received = b""
        with suppress(ConnectionError):
            while chunk := await reader.read(2**16):
                received += chunk
        return received


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unknown_client_that_sends_many_frames_of_any_kind_is_reset(
    server: ConnectionServer, kind: str
) -> None:
    aborted = server.metrics.aborted["frames"]
    first = frame(TEXT, final=False) if "fragments" in kind else b""

    answer = await flood(server, "/", first + KINDS[kind] * (FLOOD // len(KINDS[kind])))

    assert server.metrics.aborted["frames"] == aborted + 1
    assert len(answer) < 5_000


@pytest.mark.parametrize("kind", KINDS)
async def test_a_known_client_that_sends_too_many_frames_of_any_kind_is_told_when_to_return(
    server: ConnectionServer, kind: str
) -> None:
    first = frame(TEXT, final=False) if "fragments" in kind else b""

    answer = await flood(server, "/known", first + KINDS[kind] * 150)

    code = struct.pack("!H", CloseCode.TOO_FAST)
    assert code + b'{"message":"too many frames","retry_after_seconds":' in answer


async def test_a_message_of_too_many_fragments_is_refused() -> None:
    async with serve_connections(frame_rate=None, fragments=50) as unlimited:
        fragments = frame(TEXT, final=False) + frame(CONTINUATION, final=False) * 60

        assert struct.pack("!H", 1009) in await flood(unlimited, "/known", fragments)


async def test_pongs_wait_for_a_peer_that_reads_none_and_then_it_is_reset() -> None:
    async with serve_connections(frame_rate=None, unread_seconds=0.5) as unlimited:
        pings = frame(PING, b"x" * 125) * 500
        async with unlimited.target.connection() as (reader, writer):
            await open_websocket(reader, writer, path="/known")
            async with asyncio.timeout(LIMIT_SECONDS):
                with pytest.raises(ConnectionError):
                    while True:
                        writer.write(pings)
                        await writer.drain()
                        await asyncio.sleep(0)
        assert unlimited.metrics.aborted["unread"] == 1


async def test_frames_are_parsed_only_as_fast_as_the_application_takes_them() -> None:
    async with (
        serve_connections(frame_rate=None) as unlimited,
        connect(f"ws://127.0.0.1:{unlimited.target.port}/known", compression=None) as client,
    ):
        texts = [str(number) * 50 for number in range(3_000)]

        async def send_all() -> None:
            for text in texts:
                await client.send(text)

        sending = asyncio.create_task(send_all())
        async with asyncio.timeout(LIMIT_SECONDS):
            assert [await client.recv() for _ in texts] == texts
        await sending


async def test_frames_after_the_close_are_not_parsed_without_end(server: ConnectionServer) -> None:
    aborted = server.metrics.aborted["flood"]

    await flood(server, "/known", frame(TEXT, b"bye") + frame(TEXT, b"x" * 1000) * 80)

    assert server.metrics.aborted["flood"] == aborted + 1


async def test_the_close_of_both_sides_ends_a_connection_at_once(server: ConnectionServer) -> None:
    async with connect(f"ws://127.0.0.1:{server.target.port}/known") as client:
        await client.send("bye")
        with pytest.raises(ConnectionClosed):
            await client.recv()

        assert client.close_code == 1000
    await wait_until_empty(server)


async def wait_until_empty(server: ConnectionServer) -> None:
    async def is_empty() -> bool:
        return server.metrics.open_connections == 0

    await wait_until(is_empty)


@pytest.mark.parametrize("bad", [b"\x83\x80\0\0\0\0", b"\x81\x05hello", frame(CLOSE, b"\0")])
async def test_a_broken_frame_ends_the_connection_without_a_trace(
    server: ConnectionServer, bad: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await flood(server, "/known", bad)
    async with server.target.connection() as (reader, writer), asyncio.timeout(LIMIT_SECONDS):
        writer.write(upgrade() + bad)  # before the handshake is accepted
        with suppress(ConnectionError):
            await reader.read(-1)

    await wait_until_empty(server)
    assert "Traceback" not in caplog.text
