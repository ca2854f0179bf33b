"""A proxy before Postgres that counts queries: `Query` and `Execute` messages (PostgreSQL, "Message
Formats"), without those of the probe, which asks every three seconds whatever else happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

QUERY, PARSE, BIND, EXECUTE = b"Q", b"P", b"B", b"E"
PROBED_TABLE = b"tidings.read_model"
BLOCK_BYTES = 64 * 1024


class Statements:
    """The prepared statements of one connection: which are the probe's, and which one runs next."""

    def __init__(self) -> None:
        self._probes: set[bytes] = set()
        self._runs_probe = False

    def is_counted(self, kind: bytes, body: bytes) -> bool:
        """Take the next message of the client; return whether it runs a query that counts."""
        if kind == PARSE:
            name, sql, *_ = body.split(b"\0")
            change = self._probes.add if PROBED_TABLE in sql else self._probes.discard
            change(name)
        elif kind == BIND:
            _, name, *_ = body.split(b"\0", 2)
            self._runs_probe = name in self._probes
        return (kind == EXECUTE and not self._runs_probe) or (
            kind == QUERY and PROBED_TABLE not in body
        )


class Queries:
    """The number of queries so far, and the address to connect to."""

    def __init__(self, server: str) -> None:
        self._server = conninfo_to_dict(server)
        self.dsn = ""
        self.count = 0

    async def pass_on(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        """One connection until either side ends it."""
        to, port = str(self._server["host"]), int(self._server.get("port") or 5432)
        server, questions = await asyncio.open_connection(to, port)
        back = asyncio.create_task(_copied(server, answers))
        with suppress(asyncio.IncompleteReadError, OSError):
            await self._asked(client, questions)
        back.cancel()
        for writer in (questions, answers):
            writer.close()

    async def _asked(self, client: asyncio.StreamReader, questions: asyncio.StreamWriter) -> None:
        kind = b""  # the first message of a connection has no type
        statements = Statements()
        while True:
            size = await client.readexactly(4)
            body = await client.readexactly(int.from_bytes(size, "big") - 4)
            self.count += statements.is_counted(kind, body)
            questions.write(kind + size + body)
            await questions.drain()
            kind = await client.readexactly(1)


async def _copied(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(BLOCK_BYTES):
            sink.write(data)
            await sink.drain()


@asynccontextmanager
async def count_queries(dsn: str) -> AsyncGenerator[Queries]:
    """Serve a proxy for the Postgres of a DSN on a free port of 127.0.0.1."""
    queries = Queries(dsn)
    server = await asyncio.start_server(queries.pass_on, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    queries.dsn = make_conninfo(
        dsn, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable"
    )
    try:
        yield queries
    finally:
        server.close()
