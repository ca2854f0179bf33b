"""A token issuer that signs tokens and publishes its keys over HTTP."""

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

WAIT_SECONDS = 10.0
MAKERS = {
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), RSAAlgorithm),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, OKPAlgorithm),
}


class Issuer:
    """The issuer's keys by id, the number of requests it received, and how it answers them.

    It answers with `status`, and with `body` or (if that is None) its keys, once `answers` is set.
    """

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, Any]] = {}
        self.request_count = 0
        self.status = 200
        self.body: bytes | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self._request_came = asyncio.Condition()
        self.url = ""

    def publish_key(self, kid: str, algorithm: str = "ES256") -> Any:
        """Make a private key, and publish its public key."""
        private = MAKERS[algorithm][0]()
        self.keys[kid] = (algorithm, private)
        return private

    def list_public_keys(self) -> list[dict[str, Any]]:
        """Return the public keys as JSON Web Keys."""
        return [
            {**MAKERS[algorithm][1].to_jwk(key.public_key(), as_dict=True), "kid": kid}
            for kid, (algorithm, key) in self.keys.items()
        ]

    def issue_token(
        self, kid: str, *, key: Any = None, headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """Issue a token signed by a published key, or by another that claims its id."""
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

    async def wait_for_requests(self, count: int) -> None:
        """Wait until there have been at least `count` requests. Raises TimeoutError."""
        async with asyncio.timeout(WAIT_SECONDS), self._request_came:
            await self._request_came.wait_for(lambda: self.request_count >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close the connection."""
        await reader.readuntil(b"\r\n\r\n")
        async with self._request_came:
            self.request_count += 1
            self._request_came.notify_all()
        await self.answers.wait()
        body = (
            json.dumps({"keys": self.list_public_keys()}).encode()
            if self.body is None
            else self.body
        )
        writer.write(
            b"HTTP/1.1 %d Answer\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (self.status, len(body), body)
        )
        writer.close()


@asynccontextmanager
async def run_issuer() -> AsyncIterator[Issuer]:
    """Serve an issuer while the block lasts."""
    issuer = Issuer()
    server = await asyncio.start_server(issuer.serve, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys.json"
    async with server:
        yield issuer
