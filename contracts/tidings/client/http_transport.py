"""The transport over HTTP: `POST /v1/events` of the gateway, and its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, Self, cast

import httpx
import msgspec
from tidings.client.errors import Permanent, Unauthorised, Unavailable
from tidings.client.proxies import proxied_transport, proxy_note
from tidings.client.transport import RejectedEvent
from tidings.contracts.cloudevents import BATCH_MEDIA_TYPE
from tidings.contracts.http_bodies.results import AppendResult, Receipt

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 30.0
UNAUTHORISED = (401, 403)


class HttpTransport:
    """Sends events to the gateway, with a token of scope `emit`; their tenant is the token's.

    `restores`: the events restore a log, with a token of the scopes `emit` and `admin`.
    """

    def __init__(
        self, url: str, token: Callable[[], str | None], *, restores: bool = False
    ) -> None:
        self._url = url
        self._token = token
        self._path = "/v1/events?restore=true" if restores else "/v1/events"

    async def __aenter__(self) -> Self:
        timeout = httpx.Timeout(REQUEST_SECONDS, connect=CONNECT_SECONDS)
        try:
            client = httpx.AsyncClient(
                base_url=self._url, timeout=timeout, transport=proxied_transport(self._url)
            )
        except httpx.InvalidURL:
            raise self._invalid_url() from None
        self._client = await client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def send(self, bodies: Sequence[bytes]) -> list[AppendResult]:
        """Append up to 1000 events, all or none.

        Raises RejectedEvent for one of them, Unavailable, Unauthorised or Permanent.
        """
        response = await self._post(b"[" + b",".join(bodies) + b"]")
        if response.status_code != 200:
            _raise_for_response(response)
        return _decode_receipt(response, len(bodies))

    async def _post(self, body: bytes) -> httpx.Response:
        token = self._token()
        headers = {
            "Content-Type": BATCH_MEDIA_TYPE,
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        try:
            # httpx limits each read and write, so a slow trickle could last for ever.
            async with asyncio.timeout(REQUEST_SECONDS):
                return await self._client.post(self._path, content=body, headers=headers)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise self._invalid_url() from None
        except (httpx.TransportError, TimeoutError) as error:
            raise Unavailable(
                f"{self._url} cannot be reached{proxy_note(self._url)} ({type(error).__name__})"
            ) from None

    def _invalid_url(self) -> Permanent:
        return Permanent(
            f"`{self._url}` is not a valid URL; use one such as"
            " http://127.0.0.1:8000 or nats://127.0.0.1:4222"
        )


def _decode_receipt(response: httpx.Response, count: int) -> list[AppendResult]:
    try:
        results = msgspec.json.decode(response.content, type=Receipt).results()
    except msgspec.DecodeError:
        results = []
    if len(results) != count:
        raise Permanent(f"{response.url} is not a gateway of Tidings")
    return results


def _raise_for_response(response: httpx.Response) -> NoReturn:
    status, problem = response.status_code, _problem(response)
    reason = f"HTTP {status}: {problem.get('detail') or problem.get('title') or 'no reason given'}"
    if line := problem.get("line"):  # the gateway counts events from 1
        raise RejectedEvent(
            line - 1,
            problem.get("field") or "",
            problem.get("detail") or reason,
            too_large=status == 413,
        )
    if status in UNAUTHORISED:
        raise Unauthorised(reason)
    if status in (408, 425, 429) or status >= 500:
        raise Unavailable(reason, _pause_seconds(response))
    raise Permanent(f"{response.url}: {reason}")


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        problem = json.loads(response.content)
    except ValueError:
        return {}
    return cast("dict[str, Any]", problem) if isinstance(problem, dict) else {}


def _pause_seconds(response: httpx.Response) -> float:
    """Return the pause of `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3); else 0."""
    header = response.headers.get("Retry-After", "")
    if header.isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
