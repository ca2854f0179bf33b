"""A receiver of webhooks: an HTTPS server that answers as told, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import trustme
from tidings.runtime.settings import Settings

HANGS = "hangs"


class ReceivedWebhook(NamedTuple):
    """A request as it came; the names of headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Return the `webhook-id`."""
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


class Receiver:
    """Answers 200, or to a path what `answers` says: a status line with headers, or `HANGS`."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.answers: dict[str, str] = {}
        self.requests: defaultdict[str, list[ReceivedWebhook]] = defaultdict(list)
        self.open_requests: defaultdict[str, int] = defaultdict(int)
        self.most_open: defaultdict[str, int] = defaultdict(int)
        self._arrived = asyncio.Event()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Return the address of a path."""
        return f"https://{host}:{self.port}{path}"

    async def wait_for(self, path: str, count: int = 1) -> list[ReceivedWebhook]:
        """Return the requests to a path once there are `count`; raises TimeoutError."""
        async with asyncio.timeout(60):
            while len(self.requests[path]) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.requests[path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                headers = {
                    name.lower(): value
                    for name, _, value in (line.partition(": ") for line in lines)
                }
                path = first.split(" ")[1]
                body = await reader.readexactly(int(headers["content-length"]))
                await self._answer(ReceivedWebhook(path, headers, body), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: ReceivedWebhook, writer: asyncio.StreamWriter) -> None:
        path = request.path
        self.requests[path].append(request)
        self.open_requests[path] += 1
        self.most_open[path] = max(self.most_open[path], self.open_requests[path])
        self._arrived.set()
        try:
            while (answer := self.answers.get(path, "200 OK")) == HANGS:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            status, *extra = answer.split("\n")
            lines = "".join(f"{line}\r\n" for line in extra)
            writer.write(f"HTTP/1.1 {status}\r\n{lines}Content-Length: 2\r\n\r\nok".encode())
            await writer.drain()
        finally:
            self.open_requests[path] -= 1


class Trust:
    """A certificate authority whose certificates are trusted by one context."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self.client = ssl.create_default_context()
        self._authority.configure_trust(self.client)

    def server(self, *names: str) -> ssl.SSLContext:
        """Return the context of a server with these names."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._authority.issue_cert(*names).configure_cert(context)
        return context

    def write(self, directory: Path) -> Path:
        """Write the authority's certificate, for `SSL_CERT_FILE`."""
        file = directory / "authority.pem"
        self._authority.cert_pem.write_to_path(str(file))
        return file


@asynccontextmanager
async def serve_receiver(
    trust: Trust, *names: str, host: str = "127.0.0.1"
) -> AsyncIterator[Receiver]:
    """Run a receiver with a certificate for 127.0.0.1, or for these names."""
    receiver = Receiver()
    tls = trust.server(*(names or (host,)))
    server = await asyncio.start_server(receiver.serve, host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def with_webhooks(settings: Settings, *ports: int, **more: Any) -> Settings:
    """Return settings by which webhooks go to ports of this machine."""
    return msgspec.structs.replace(
        settings,
        webhooks=True,
        channel_secret=settings.channel_secret or "s" * 32,
        webhook_allow="127.0.0.0/8",
        webhook_ports=",".join(map(str, ports)),
        **more,
    )
