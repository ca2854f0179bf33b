"""Attacks of a stranger on an edge, over raw sockets and without a token.

Each attack runs until it is cancelled, and opens a new connection when the edge ends its one.
`python -m tests.acceptance.attacker URL [ATTACK…]` attacks until it is stopped.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

CHUNK_BYTES = 64 * 1024
HELD_CONNECTIONS = 20
PAUSE_SECONDS = 0.02
PING, TEXT, CONTINUATION, CLOSE, FINAL = 0x9, 0x1, 0x0, 0x8, 0x80


class Target(NamedTuple):
    """The host and port of an edge."""

    host: str
    port: int

    @classmethod
    def of_url(cls, url: str) -> Target:
        """Return the target of a base URL."""
        parts = urlsplit(url)
        return cls(parts.hostname or "", parts.port or 0)

    @asynccontextmanager
    async def connection(
        self,
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Hold a connection open while the block lasts; it is aborted at the end."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        # Nothing is read ahead for an attack that does not read.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


def request(path: str, *fields: str, method: str = "GET") -> bytes:
    """Return the head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: tests", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def upgrade(*fields: str, path: str = "/v1/socket") -> bytes:
    """Return the head of a WebSocket's opening request."""
    key = base64.b64encode(os.urandom(16)).decode()
    return request(
        path,
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        *fields,
    )


def frame(opcode: int, payload: bytes = b"", *, final: bool = True) -> bytes:
    """Return a masked frame; its mask of zeros leaves the payload as it is."""
    length = len(payload)
    size = (
        bytes([0x80 | length])
        if length < 126
        else bytes([0xFE]) + struct.pack("!H", length)
        if length < 2**16
        else bytes([0xFF]) + struct.pack("!Q", length)
    )
    return bytes([(FINAL if final else 0) | opcode]) + size + b"\0\0\0\0" + payload


async def open_websocket(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str = "/v1/socket"
) -> None:
    """Open a WebSocket on a connection; raises ConnectionError if it is refused."""
    writer.write(upgrade(path=path))
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        raise ConnectionResetError from None
    if b" 101 " not in head:
        raise ConnectionRefusedError(head.decode())


async def read_documents(target: Target) -> None:
    """Read the documents, one after the other."""
    paths = ("/schema/openapi.yaml", "/schema/openapi.json", "/asyncapi.json", "/schema")
    async with target.connection() as (reader, writer):
        while True:
            for path in paths:
                writer.write(request(path))
                await _read_answer(reader)


async def send_unread_pings(target: Target) -> None:
    """Send pings on a WebSocket and read no pong."""
    pings = frame(PING, b"p" * 125) * (CHUNK_BYTES // 131)
    async with target.connection() as (reader, writer):
        await open_websocket(reader, writer)
        await _write_for_ever(writer, pings)


async def send_endless_head(target: Target) -> None:
    """Send a request whose head does not end."""
    lines = b"X-Field: %b\r\n" % (b"x" * 100) * (CHUNK_BYTES // 111)
    async with target.connection() as (_, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        await _write_for_ever(writer, lines)


async def send_endless_line(target: Target) -> None:
    """Send a request whose first line does not end."""
    async with target.connection() as (_, writer):
        writer.write(b"GET /")
        await _write_for_ever(writer, b"x" * CHUNK_BYTES)


async def pipeline_unread(target: Target) -> None:
    """Send requests at once and read no answer."""
    async with target.connection() as (_, writer):
        await _write_for_ever(writer, request("/nothing/here") * 500)


async def hold_silent_connections(target: Target) -> None:
    """Open connections that send nothing, or half of a head, a body or an upgrade."""
    halves = (
        b"",
        b"GET / HTTP/1.1\r\nHost: te",
        request("/v1/events", "Content-Length: 1000", method="POST") + b"{",
        upgrade()[:-2],
    )

    async def hold(half: bytes) -> None:
        async with target.connection() as (reader, writer):
            writer.write(half)
            while await reader.read(CHUNK_BYTES):
                pass

    while True:
        halves_held = [hold(halves[number % len(halves)]) for number in range(HELD_CONNECTIONS)]
        await asyncio.gather(*halves_held, return_exceptions=True)


async def send_empty_pings(target: Target) -> None:
    """Send pings without a payload, and read the pongs."""
    await _send_frames(target, frame(PING) * (CHUNK_BYTES // 6))


async def send_empty_fragments(target: Target) -> None:
    """Send a message of empty fragments that does not end."""
    fragments = frame(CONTINUATION, final=False) * (CHUNK_BYTES // 6)
    await _send_frames(target, fragments, first=frame(TEXT, final=False))


async def send_empty_messages(target: Target) -> None:
    """Send empty messages."""
    await _send_frames(target, frame(TEXT) * (CHUNK_BYTES // 6))


async def send_after_close(target: Target) -> None:
    """Make the edge close the WebSocket, and send messages all the same."""
    await _send_frames(target, frame(TEXT, b"{}") * (CHUNK_BYTES // 8), first=frame(TEXT, b"x"))


Attack = Callable[[Target], Awaitable[None]]
ATTACKS: tuple[Attack, ...] = (
    read_documents,
    send_unread_pings,
    send_endless_head,
    send_endless_line,
    pipeline_unread,
    hold_silent_connections,
    send_empty_pings,
    send_empty_fragments,
    send_empty_messages,
    send_after_close,
)


def attacks_named(names: Sequence[str]) -> tuple[Attack, ...]:
    """Return the attacks of these names, all without any name."""
    return tuple(each for each in ATTACKS if not names or each.__name__ in names)


async def attack_for_ever(attack: Attack, target: Target) -> None:
    """Repeat an attack until cancelled."""
    while True:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await attack(target)
        await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def under_attack(
    target: Target, attacks: tuple[Attack, ...] = ATTACKS, connections: int = HELD_CONNECTIONS
) -> AsyncGenerator[None]:
    """Attack from this many connections while the block lasts."""
    tasks = [
        asyncio.create_task(attack_for_ever(attacks[number % len(attacks)], target))
        for number in range(connections)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send_frames(target: Target, frames: bytes, first: bytes = b"") -> None:
    async with target.connection() as (reader, writer):
        await open_websocket(reader, writer)
        writer.write(first)
        reading = asyncio.create_task(_discard(reader))
        try:
            await _write_for_ever(writer, frames)
        finally:
            reading.cancel()


async def _discard(reader: asyncio.StreamReader) -> None:
    while await reader.read(CHUNK_BYTES):
        pass


async def _write_for_ever(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    while True:
        writer.write(chunk)
        await writer.drain()


async def _read_answer(reader: asyncio.StreamReader) -> None:
    """Read an answer with a length; raises ConnectionResetError at the end of the stream."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ]
        await reader.readexactly(lengths[0])
    except (asyncio.IncompleteReadError, IndexError):
        raise ConnectionResetError from None


async def _main(url: str, *names: str) -> None:
    async with under_attack(Target.of_url(url), attacks_named(names)):
        print("attacking", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
