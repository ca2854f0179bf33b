"""Webhooks against a real server: signed, bounded in time and size, never led inside."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest
import trustme
from standardwebhooks.webhooks import Webhook
from tidings.channels.results import Deferred, Failed, SendResult, Sent
from tidings.channels.webhook.post import WebhookClient, WebhookRequest
from tidings.channels.webhook.sign import WebhookSecrets, shown_secret

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SECRETS = WebhookSecrets("m" * 32)
BODY = json.dumps({"type": "task.assigned", "timestamp": "2026-12-01T10:00:00Z"}).encode()
OLD, NEW = (SECRETS.secret_of("acme", "e-1", generation) for generation in (1, 2))


class Endpoint:
    """A bare HTTP server that answers as the path says, and keeps what it was sent."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.sent_bytes = 0
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other."""
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
                self.bodies.append(await reader.readexactly(length))
                await self.answer(head.split(b" ")[1].decode(), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        """Answer `/<status>`, `/<status>/<Retry-After>`, or badly."""
        match path.strip("/").split("/"):
            case ["slow"]:
                for byte in b"HTTP/1.1 200 OK\r\n" * 100:
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0.1)
            case ["huge"]:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                while self.sent_bytes < 10**9:
                    writer.write(b"x" * 65_536)
                    await writer.drain()
                    self.sent_bytes += 65_536
            case ["reset"]:
                writer.transport.abort()
            case [status, *more]:
                extra = f"Retry-After: {more[0].replace('_', ' ')}\r\n" if more else ""
                writer.write(
                    f"HTTP/1.1 {status} X\r\nLocation: /200\r\n{extra}"
                    "Content-Length: 2\r\n\r\nok".encode()
                )
            case _:
                raise AssertionError(path)
        await writer.drain()


@asynccontextmanager
async def run_endpoint(tls: ssl.SSLContext | None = None) -> AsyncGenerator[tuple[Endpoint, int]]:
    """Run an endpoint on loopback; return it and its port."""
    endpoint = Endpoint()
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield endpoint, server.sockets[0].getsockname()[1]
    finally:
        server.close()


def request_to(url: str, *secrets: bytes) -> WebhookRequest:
    """Return a request to an address."""
    return WebhookRequest(url, "delivery-1", BODY, secrets or (NEW,))


@asynccontextmanager
async def open_client(port: int, **options: Any) -> AsyncIterator[WebhookClient]:
    """Open a client that may reach this port on loopback."""
    async with WebhookClient(**{"networks": LOOPBACK, "ports": (port,), **options}) as client:
        yield client


async def post(path: str, **options: Any) -> tuple[SendResult, Endpoint]:
    """Post one webhook to a fresh endpoint."""
    async with run_endpoint() as (endpoint, port), open_client(port, **options) as client:
        result = await client.post_webhook(request_to(f"http://127.0.0.1:{port}{path}"))
    return result, endpoint


@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_receivers_verify_it_by_either_secret_of_a_rotation(secret: bytes) -> None:
    now = {"clock": lambda: datetime.now(UTC)}
    async with run_endpoint() as (endpoint, port), open_client(port, **now) as client:
        result = await client.post_webhook(request_to(f"http://127.0.0.1:{port}/200", NEW, OLD))

    assert result == Sent(code="200", reply="ok")
    lines = endpoint.heads[0].decode().split("\r\n")[1:]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    (body,) = endpoint.bodies
    assert Webhook(shown_secret(secret)).verify(body, headers) == json.loads(BODY)
    assert headers["webhook-id"] == "delivery-1" and "cookie" not in headers


def test_each_endpoint_and_generation_has_a_secret_of_its_own() -> None:
    names = [("a", "b", 1), ("a", "b", 2), ("a", "c", 1), ("ab", "", 1), ("a/b", "1", 1)]

    found = {SECRETS.secret_of(*name) for name in names}
    found |= {WebhookSecrets("n" * 32).secret_of(*name) for name in names}

    assert len(found) == 2 * len(names)


@pytest.mark.parametrize("status", ["301", "302", "307", "308", "400", "404", "500", "503"])
async def test_all_but_success_is_tried_again_and_no_redirect_followed(status: str) -> None:
    result, endpoint = await post(f"/{status}")

    assert result == Deferred(code=status, reply="ok")
    assert len(endpoint.heads) == 1


async def test_an_endpoint_that_is_gone_is_turned_off() -> None:
    result, _ = await post("/410")

    assert result == Failed(reason="gone", code="410", reply="ok", suppress="gone")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Tue,_01_Dec_2026_10:01:00_GMT", 60),
        ("1000000000", 86_400),
        ("-1", None),
        ("1e9", None),
        ("Tue,_01_Dec_2026_09:00:00_GMT", None),
    ],
)
@pytest.mark.parametrize("status", ["429", "503"])
async def test_an_endpoint_may_ask_to_wait(status: str, value: str, seconds: float | None) -> None:
    noon = datetime(2026, 12, 1, 10, tzinfo=UTC)

    result, _ = await post(f"/{status}/{value}", clock=lambda: noon)

    assert result == Deferred(code=status, reply="ok", after_seconds=seconds)


async def test_a_slow_answer_ends_in_time() -> None:
    begun = time.monotonic()

    result, _ = await post("/slow", total_seconds=0.5)

    assert result == Deferred(code="timeout") and time.monotonic() - begun < 3


async def test_a_huge_answer_is_cut() -> None:
    result, endpoint = await post("/huge")

    assert isinstance(result, Sent) and len(result.reply) == 300
    assert endpoint.sent_bytes < 64 * 1024 * 1024  # what buffers of sockets take


async def test_an_answer_that_breaks_off_is_tried_again() -> None:
    assert (await post("/reset"))[0] == Deferred(code="disconnected")


async def test_connections_are_kept() -> None:
    async with run_endpoint() as (endpoint, port), open_client(port) as client:
        for _ in range(5):
            await client.post_webhook(request_to(f"http://127.0.0.1:{port}/200"))

    assert endpoint.connections == 1 and len(endpoint.bodies) == 5


async def test_a_body_that_is_too_large_is_not_sent() -> None:
    async with WebhookClient() as client:
        request = request_to("https://example.org/")._replace(body=b"x" * 20_000)
        assert await client.post_webhook(request) == Failed(reason="invalid", code="too_large")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"),
        *("0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"),
        *("[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[fe80::1]"),
        *("[2001:0:0:0::80ff:fffe]", "169.254.169.254", "10.0.0.1", "127。0。0。1"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_spelling_of_an_address_leads_inside(host: str, scheme: str) -> None:
    async with run_endpoint() as (endpoint, port), WebhookClient(ports=(port,)) as client:
        result = await client.post_webhook(request_to(f"{scheme}://{host}:{port}/200"))

    assert isinstance(result, Deferred | Failed)
    assert result.code in ("forbidden_address", "unreachable", "url")
    assert endpoint.connections == 0


async def test_a_name_that_changes_its_answer_is_refused_when_it_points_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lookup(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async with run_endpoint() as (endpoint, port):
        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        async with WebhookClient(ports=(port,)) as client:
            result = await client.post_webhook(request_to(f"https://rebind.example.org:{port}/"))

    assert result == Deferred(code="forbidden_address") and endpoint.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.org/", "file:///etc/passwd", "https://u:p@example.org/", "https://"),
        *("https://u@example.org/", "not an address", "", "http:example.org", "https://[::1/"),
    ],
)
async def test_what_is_no_address_of_the_web_has_failed(url: str) -> None:
    async with WebhookClient() as client:
        assert await client.post_webhook(request_to(url)) == Failed(reason="invalid", code="url")


@pytest.mark.parametrize("name", ["127.0.0.1", "other.test"])
async def test_a_certificate_must_be_of_the_name(name: str) -> None:
    authority = trustme.CA()
    tls, trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert(name).configure_cert(tls)
    authority.configure_trust(trust)

    async with (
        run_endpoint(tls) as (endpoint, port),
        open_client(port, tls_context=trust) as client,
    ):
        result = await client.post_webhook(request_to(f"https://127.0.0.1:{port}/200"))

    assert result == (Sent(code="200", reply="ok") if name == "127.0.0.1" else Deferred(code="tls"))
    assert len(endpoint.bodies) == (1 if name == "127.0.0.1" else 0)
