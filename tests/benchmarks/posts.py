"""POST requests over a few raw keep-alive connections, at a steady rate or at the highest."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

Body = Callable[[int, int], bytes]
"""The body of the `n`-th request, stamped with a time in nanoseconds of CLOCK_MONOTONIC."""

TIMEOUT_SECONDS = 30.0


class PostRefused(Exception):
    """The server answered with a status other than 2xx."""


class Requests(asyncio.Protocol):
    """One connection, one request at a time."""

    transport: asyncio.Transport
    answer: "asyncio.Future[bytes]"
    received = b""

    def __init__(self, port: int) -> None:
        self.port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # pyright: ignore[reportAttributeAccessIssue]

    async def request(self, request: bytes) -> bytes:
        """Send the request; the status code of its answer."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await asyncio.wait_for(self.answer, TIMEOUT_SECONDS)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if separator and len(body) >= content_length(head):
            self.received = b""
            self.answer.set_result(head.split(b" ", 2)[1])

    def connection_lost(self, exc: Exception | None) -> None:
        if hasattr(self, "answer") and not self.answer.done():
            self.answer.set_exception(ConnectionResetError("the server closed the connection"))


def content_length(head: bytes) -> int:
    """The length of the body that follows this head, in bytes."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


class Posts:
    """Keep-alive connections to one path.

    Each carries one post at a time; further posts wait.
    """

    def __init__(self, path: str, head: str, ports: tuple[int, ...], connections: int) -> None:
        self.path, self.head, self.ports, self.connections = path, head, ports, connections
        self.idle: asyncio.Queue[Requests] = asyncio.Queue()
        self.sent_count = 0

    async def connect(self, port: int) -> Requests:
        """A new connection."""
        return (
            await asyncio.get_running_loop().create_connection(
                lambda: Requests(port), "127.0.0.1", port
            )
        )[1]

    async def post(self, body: bytes, query: str = "") -> None:
        """Post one body, with a query (`?…`) of its own after the path.

        Replaces a connection that the server closed for idleness. Raises `PostRefused`.
        """
        connection = await self.idle.get()
        if connection.transport.is_closing():
            connection = await self.connect(connection.port)
        status = await connection.request(
            f"POST {self.path}{query} HTTP/1.1\r\n"
            f"{self.head}Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        self.idle.put_nowait(connection)
        if not status.startswith(b"2"):
            raise PostRefused(status.decode())
        self.sent_count += 1

    async def post_paced(self, body: Body, per_second: float, seconds: float) -> int:
        """Post at a steady rate whether or not the server keeps up, and return the number of posts.

        Each post is stamped with its due time: waiting for a connection counts as latency.
        """
        count, started_at = int(per_second * seconds), time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(max(0.0, started_at + number / per_second - time.monotonic()))
                group.create_task(self.post(body(number, time.monotonic_ns())))
        return count

    async def post_saturated(self, body: Body, seconds: float) -> int:
        """Post as fast as every connection allows, and return the number of posts."""
        before, numbers, end = self.sent_count, iter(range(2**62)), time.monotonic() + seconds

        async def keep_posting() -> None:
            while time.monotonic() < end:
                await self.post(body(next(numbers), time.monotonic_ns()))

        async with asyncio.TaskGroup() as group:
            for _ in range(self.connections):
                group.create_task(keep_posting())
        return self.sent_count - before


@asynccontextmanager
async def posts(
    ports: tuple[int, ...], path: str, connections: int, headers: tuple[str, ...] = ()
) -> AsyncGenerator[Posts]:
    """Connect, dealing the connections to the ports in turn.

    `headers` are whole lines, such as `Authorization: Bearer …`.
    """
    lines = ("Host: 127.0.0.1", "Content-Type: application/json", *headers, "")
    sender = Posts(path, "\r\n".join(lines), ports, connections)
    for number in range(connections):
        sender.idle.put_nowait(await sender.connect(ports[number % len(ports)]))
    try:
        yield sender
    finally:
        while not sender.idle.empty():
            sender.idle.get_nowait().transport.close()
