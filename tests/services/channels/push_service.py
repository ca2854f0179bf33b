"""A push service that checks who sends, and a browser that decrypts what it is pushed."""

from __future__ import annotations

import asyncio
import ssl
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import http_ece
import jwt
import msgspec
import trustme
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tidings.domains.addresses.events import PushSubscription
from tidings.runtime.settings import Settings
from tidings.runtime.vapid import VapidKey, new_vapid_key

KEY = new_vapid_key()
SUBJECT = "mailto:operator@tidings.example.org"
DAY_SECONDS = 86_400


class Push(NamedTuple):
    """A request that was accepted; `name`: the last part of its path."""

    name: str
    headers: Mapping[str, str]
    body: bytes


class PushService:
    """Keeps what it is pushed; `answers`: status and headers by the name of an endpoint."""

    def __init__(self, certificates: trustme.CA) -> None:
        self.certificates = certificates
        self.pushes: list[Push] = []
        self.answers: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self.port = 0
        self.trusted = ssl.create_default_context()
        certificates.configure_trust(self.trusted)
        self._arrived = asyncio.Event()

    @property
    def origin(self) -> str:
        """The origin of its endpoints."""
        return f"https://localhost:{self.port}"

    def settings_for(self, settings: Settings, **more: Any) -> Settings:
        """Return settings by which pushes reach it."""
        changes = {
            "vapid_private_key": KEY,
            "vapid_subject": SUBJECT,
            "webhook_allow": "127.0.0.0/8,::1",
            "webhook_ports": str(self.port),
            **more,
        }
        return msgspec.structs.replace(settings, **changes)

    async def wait_for(self, name: str, count: int = 1) -> list[Push]:
        """Return the pushes to an endpoint once there are `count`; raises TimeoutError."""
        async with asyncio.timeout(60):
            while len(found := [push for push in self.pushes if push.name == name]) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return found

    async def accept(self, request: web.Request) -> web.Response:
        """Answer as push services do (RFC 8030), after a check of the token (RFC 8292)."""
        name = request.match_info["name"]
        self.check_token(request.headers["authorization"])
        body = await request.read()
        assert request.headers["content-encoding"] == "aes128gcm" and len(body) <= 4096
        self.pushes.append(Push(name, dict(request.headers), body))
        self._arrived.set()
        planned = self.answers.get(name, [])
        status, headers = planned.pop(0) if planned else (201, {})
        return web.Response(status=status, headers=headers, text=f"about {name}")

    def check_token(self, header: str) -> None:
        """Fail unless the token is ours, for this origin, and short-lived."""
        scheme, _, rest = header.partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert scheme == "vapid" and fields["k"] == VapidKey(KEY).public_text
        point = urlsafe_b64decode(fields["k"] + "=")
        public: Any = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
        claims = jwt.decode(fields["t"], public, algorithms=["ES256"], audience=self.origin)
        assert claims["sub"] == SUBJECT
        assert time.time() < claims["exp"] <= time.time() + DAY_SECONDS


class Browser:
    """A subscription of a browser: what it registers, and the private key that it keeps."""

    def __init__(self, origin: str, name: str) -> None:
        self._key = generate_private_key(SECP256R1())
        self._auth = b"a" * 16
        self.name = name
        public = self._key.public_key()
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.subscription = PushSubscription(
            endpoint=f"{origin}/push/{name}", p256dh=_encode(point), auth=_encode(self._auth)
        )

    def read(self, push: Push) -> dict[str, Any]:
        """Return the payload of a push to this browser."""
        plain = http_ece.decrypt(push.body, private_key=self._key, auth_secret=self._auth)
        return msgspec.json.decode(plain)


@asynccontextmanager
async def serve_pushes() -> AsyncIterator[PushService]:
    """Run a push service by https on loopback."""
    certificates = trustme.CA()
    service = PushService(certificates)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificates.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    application = web.Application()
    application.router.add_post("/push/{name}", service.accept)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0, ssl_context=context)
    await site.start()
    try:
        service.port = runner.addresses[0][1]
        yield service
    finally:
        await runner.cleanup()


def _encode(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
