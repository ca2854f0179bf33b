"""A proxy before Postgres that counts queries: `Query` and `Execute` messages (PostgreSQL, "Message
Formats").
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

COUNTED = (b"Q", b"E")
BLOCK_BYTES = 64 * 1024


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
        while True:
            size = await client.readexactly(4)
            questions.write(kind + size + await client.readexactly(int.from_bytes(size, "big") - 4))
            await questions.drain()
            kind = await client.readexactly(1)
            self.count += kind in COUNTED


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
