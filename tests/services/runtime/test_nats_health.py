"""What a broken nats-server answers does not end the watch over it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tidings.runtime.embedded.nats_server import health_problem


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"MSG _INBOX.health 1 100\r\n{",
        b"MSG _INBOX.health 1 2\r\n{]\r\n",
        b"MSG _INBOX.health 1 many\r\n",
        b"x" * 100_000,
    ],
    ids=["nothing", "half a message", "no JSON", "no length", "an endless line"],
)
async def test_an_answer_that_cannot_be_read_is_no_answer(tmp_path: Path, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"INFO {}\r\n" + answer)
        await reader.readline()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        assert await health_problem(tmp_path, port) is None
