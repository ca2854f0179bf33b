"""Servers that speak as APNs and FCM do: HTTP/2 with TLS, with answers that a test chooses."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec
import trustme
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.ports import find_free_port

KEY_OPTIONS = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC_OPTIONS = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Request(NamedTuple):
    """A request as it arrived."""

    path: str
    version: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return msgspec.json.decode(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The body of a form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


class Answer(NamedTuple):
    """What a server answers."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


class PushServer:
    """Keeps its requests; `answers`: those of the next requests to a part of a path."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, list[Answer]] = {}
        self.url = ""
        self.trusted = ssl.create_default_context()

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Any) -> None:
        """Serve a request (ASGI)."""
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        request = Request(scope["path"], scope["http_version"], headers, body)
        self.requests.append(request)
        answer = self._answer_to(request.path)
        fields = [(name.encode(), value.encode()) for name, value in answer.headers]
        start = {"type": "http.response.start", "status": answer.status, "headers": fields}
        await send(start)
        content = msgspec.json.encode(answer.body) if answer.body is not None else b""
        await send({"type": "http.response.body", "body": content})

    def _answer_to(self, path: str) -> Answer:
        for part, answers in self.answers.items():
            if part in path and answers:
                return answers.pop(0)
        return Answer()


@asynccontextmanager
async def run_push_server(folder: Path) -> AsyncIterator[PushServer]:
    """Run a server on loopback while the block lasts; its certificate is put into the folder."""
    server, certificates = PushServer(), trustme.CA()
    certificates.configure_trust(server.trusted)
    issued = certificates.issue_cert("localhost")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    port, stopping = find_free_port(), asyncio.Event()
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.certfile, config.keyfile = str(certificate), str(key)
    config.graceful_timeout = 0.1
    application: Any = server
    trigger: Any = stopping.wait
    running = asyncio.create_task(serve(application, config, shutdown_trigger=trigger))
    server.url = f"https://localhost:{port}"
    try:
        await _wait_until_open(port)
        yield server
    finally:
        stopping.set()
        await running


async def _wait_until_open(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            await writer.wait_closed()
            return


def write_apns_key(folder: Path) -> tuple[Path, bytes]:
    """Write a key as Apple gives it; return its file, and the public key in PEM."""
    key = generate_private_key(SECP256R1())
    file = folder / "AuthKey.p8"
    file.write_bytes(key.private_bytes(*KEY_OPTIONS))
    return file, key.public_key().public_bytes(*PUBLIC_OPTIONS)


def write_service_account(folder: Path, url: str) -> tuple[Path, bytes]:
    """Write the file of a service account; return it, and the public key in PEM."""
    key = generate_rsa(65_537, 2048)
    account = {
        "type": "service_account",
        "project_id": "greenhouse",
        "client_email": "tidings@greenhouse.example.org",
        "private_key": key.private_bytes(*KEY_OPTIONS).decode(),
        "token_uri": f"{url}/token",
    }
    file = folder / "account.json"
    file.write_bytes(msgspec.json.encode(account))
    return file, key.public_key().public_bytes(*PUBLIC_OPTIONS)
