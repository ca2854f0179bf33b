"""The health of a nats-server, as its system account states it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import NamedTuple

import msgspec

HEALTH_SUBJECT = "$SYS.REQ.SERVER.PING.HEALTHZ"
INBOX = "_INBOX.health"
UNREADABLE = (OSError, EOFError, msgspec.DecodeError, ValueError)
"""The errors when a server gives no answer, a part of one, or another one."""
_WRITE_ERROR = re.compile(r"stream '\S+ > (?P<stream>\S+)' write error: (?P<reason>.*)")


class HealthAnswer(msgspec.Struct):
    """The part of the answer that states the health."""

    status: str
    error: str = ""


class HealthReply(msgspec.Struct):
    """The answer of one server."""

    data: HealthAnswer


class FrozenStream(NamedTuple):
    """A stream that stores nothing any more until its server is restarted, and why.

    A write of it failed once, for example because the disk was full. The server goes on answering
    everything else.
    """

    stream: str
    reason: str


async def ask_health(host: str, port: int, user: str, password: str) -> str | None:
    """Return what is wrong with a server, None if nothing; raises one of UNREADABLE.

    Speaks the protocol itself: a client library would report its connection as a new one each time.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        await reader.readline()  # INFO
        options = {"user": user, "pass": password, "verbose": False, "lang": "python"}
        writer.write(
            f"CONNECT {json.dumps(options)}\r\nSUB {INBOX} 1\r\n"
            f"PUB {HEALTH_SUBJECT} {INBOX} 0\r\n\r\n".encode()
        )
        return _problem_of(await _read_message(reader))
    finally:
        writer.close()


def frozen_stream(problem: str) -> FrozenStream | None:
    """Return the stream that a health problem says is frozen, else None."""
    found = _WRITE_ERROR.search(problem)
    return FrozenStream(found["stream"], found["reason"]) if found else None


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    while line := await reader.readline():
        if line.startswith(b"MSG "):
            return await reader.readexactly(int(line.split()[-1]))
        if line.startswith(b"-ERR"):
            raise ConnectionError(line.decode(errors="replace").strip())
    raise ConnectionError("the server closed the connection")


def _problem_of(message: bytes) -> str | None:
    answer = msgspec.json.decode(message, type=HealthReply).data
    return None if answer.status == "ok" else answer.error or answer.status
