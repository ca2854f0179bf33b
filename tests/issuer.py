"""An issuer of tokens, as other people run them: signs with keys of its own, and publishes these at an address."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

MAKERS = {
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), RSAAlgorithm),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, OKPAlgorithm),
}


class Issuer:
    """Its keys by id, how often it was asked, and how it answers (`body` instead of its keys, after `pause_seconds`)."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, Any]] = {}
        self.asked = 0
        self.status = 200
        self.body: bytes | None = None
        self.pause_seconds = 0.0
        self.url = ""

    def key(self, kid: str, algorithm: str = "ES256") -> Any:
        """Make a key and publish it."""
        private = MAKERS[algorithm][0]()
        self.keys[kid] = (algorithm, private)
        return private

    def published(self) -> list[dict[str, Any]]:
        """Its public keys."""
        return [
            {**MAKERS[algorithm][1].to_jwk(key.public_key(), as_dict=True), "kid": kid}
            for kid, (algorithm, key) in self.keys.items()
        ]

    def token(
        self, kid: str, *, key: Any = None, headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token signed by a key of its own, or by another that only claims to be."""
        algorithm, private = self.keys.get(kid, ("ES256", None))
        given = {
            "sub": "alice",
            "tenant": "acme",
            "scope": "inbox emit",
            "iat": int(time.time()),
            "exp": time.time() + 60,
            **claims,
        }
        return jwt.encode(
            given, key or private, algorithm=algorithm, headers={"kid": kid, **(headers or {})}
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await asyncio.sleep(self.pause_seconds)
        body = json.dumps({"keys": self.published()}).encode() if self.body is None else self.body
        writer.write(
            b"HTTP/1.1 %d Answer\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (self.status, len(body), body)
        )
        writer.close()


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    """An issuer at an address of its own while the block lasts."""
    issuer = Issuer()
    server = await asyncio.start_server(issuer.serve, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys.json"
    async with server:
        yield issuer
