"""Post webhooks to addresses of other people: guarded, bounded in time and size, signed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)
from tidings.channels.results import Deferred, Failed, SendResult, Sent, scrub_reply
from tidings.channels.retry_after import parse_retry_after
from tidings.channels.webhook.sign import signature_headers
from tidings.runtime.address_guard import HTTPS_PORT, AddressGuard, ForbiddenAddress
from tidings.runtime.setting_values import Network
from yarl import URL

ANSWER_LIMIT_BYTES = 64 * 1024
BODY_LIMIT_BYTES = 20_000
"""The Standard Webhooks advise bodies below 20 kB."""
CONNECTIONS = 512
"""More than all attempts that may be under way: one that waits for a connection would time out."""
GONE = 410
SLOW_DOWN = (429, 502, 503, 504)
"""The answers whose Retry-After counts."""
USER_AGENT = "Tidings-Webhooks"


class WebhookRequest(NamedTuple):
    """What is posted where. `secrets`: the newest first, two for a day after a rotation.

    Each time that it is repeated, `identifier` is the same.
    """

    url: str
    identifier: str
    body: bytes
    secrets: Sequence[bytes]


class WebhookClient:
    """Posts webhooks: to public addresses by https, and to `networks` of our own by http too."""

    def __init__(
        self,
        *,
        networks: Collection[Network] = (),
        ports: Collection[int] = (HTTPS_PORT,),
        connections: int = CONNECTIONS,
        total_seconds: float = 15,
        tls_context: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._guards = {
            "https": AddressGuard(networks, ports),
            "http": AddressGuard(networks, ports, public=False),
        }
        self._connections = connections
        self._total_seconds = total_seconds
        self._tls_context = tls_context
        self._clock = clock
        self._sessions: Mapping[str, ClientSession] = {}

    async def __aenter__(self) -> Self:
        """Open no connection yet."""
        self._sessions = {
            scheme: self._open_session(guard) for scheme, guard in self._guards.items()
        }
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()

    async def post_webhook(self, request: WebhookRequest) -> SendResult:
        """Post a signed body; raises nothing. Whatever failed is safe to repeat, by its id."""
        if len(request.body) >= BODY_LIMIT_BYTES:
            return Failed(reason="invalid", code="too_large")
        timestamp = int(self._clock().timestamp())
        headers = {
            "content-type": "application/json",
            **signature_headers(request.secrets, request.identifier, timestamp, request.body),
        }
        return await self.post(request.url, request.body, headers)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> SendResult:
        """Post a body with headers of its own to an address of other people; raises nothing."""
        target = _parse_target(url)
        if target is None:
            return Failed(reason="invalid", code="url")
        try:
            async with self._sessions[target.scheme].post(
                target, data=body, headers=headers, allow_redirects=False
            ) as response:
                return await self._result_of(response)
        except (ClientError, OSError, ValueError) as error:
            return Deferred(code=_error_code(error))

    async def _result_of(self, response: ClientResponse) -> SendResult:
        code, reply = str(response.status), scrub_reply(await _read_start(response))
        if 200 <= response.status < 300:
            return Sent(code=code, reply=reply)
        if response.status == GONE:
            return Failed(reason="gone", code=code, reply=reply, suppress="gone")
        demanded = (
            parse_retry_after(response.headers.get("Retry-After"), self._clock())
            if response.status in SLOW_DOWN
            else None
        )
        return Deferred(code=code, reply=reply, after_seconds=demanded)

    def _open_session(self, guard: AddressGuard) -> ClientSession:
        connector = TCPConnector(
            socket_factory=guard.open_socket,
            limit=self._connections,
            ssl=self._tls_context or True,
        )
        return ClientSession(
            connector=connector,
            timeout=ClientTimeout(total=self._total_seconds),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
        )


async def _read_start(response: ClientResponse) -> str:
    """Return the answer as far as it was read: what is longer than the limit ends its connection.

    An answer that breaks off is one all the same, for its status has arrived.
    """
    content = bytearray()
    try:
        async for piece in response.content.iter_any():
            content += piece
            if len(content) >= ANSWER_LIMIT_BYTES:
                response.close()
                break
    except (ClientError, asyncio.IncompleteReadError, ConnectionError):
        response.close()
    return bytes(content[:ANSWER_LIMIT_BYTES]).decode(errors="replace")


def _parse_target(url: str) -> URL | None:
    """Return an address that may be posted to, None for any other text."""
    try:
        target = URL(url)
        valid = target.scheme in ("http", "https") and target.host and target.user is None
        return target if valid and target.password is None else None
    except ValueError:
        return None


def _error_code(error: Exception) -> str:
    """Return one word for what went wrong: that of a class of errors."""
    match error:
        case TimeoutError():
            return "timeout"
        case ClientConnectorCertificateError() | ClientSSLError():
            return "tls"
        case ClientConnectorError(os_error=ForbiddenAddress()):
            return "forbidden_address"
        case InvalidURL():
            return "url"
        case ClientConnectorError():
            return "unreachable"
        case _:
            return "disconnected"
