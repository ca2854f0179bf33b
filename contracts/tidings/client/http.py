"""HTTP: how a client's events get to the gateway (`POST /v1/events`), and what its answers mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, Self, cast

import httpx
import msgspec
from tidings.client.carrier import Wrong
from tidings.client.errors import Permanent, Unauthorised, Unavailable
from tidings.contracts.cloudevents import BATCH_MEDIA_TYPE
from tidings.contracts.http import Appended, Receipt

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 30.0
UNAUTHORISED = (401, 403)


class Gateway:
    """The gateway of an installation, for whoever has a token of scope `emit`; the tenant is the token's."""

    def __init__(self, url: str, token: Callable[[], str | None]) -> None:
        self._url = url
        self._token = token

    async def __aenter__(self) -> Self:
        timeout = httpx.Timeout(REQUEST_SECONDS, connect=CONNECT_SECONDS)
        self._client = await httpx.AsyncClient(base_url=self._url, timeout=timeout).__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def carry(self, bodies: Sequence[bytes]) -> list[Appended]:
        """Have up to 1000 events appended, all or none; raises Wrong of one of them, Unavailable, Unauthorised or Permanent."""
        response = await self._post(b"[" + b",".join(bodies) + b"]")
        if response.status_code != 200:
            _raise(response)
        return _placed(response, len(bodies))

    async def _post(self, body: bytes) -> httpx.Response:
        token = self._token()
        headers = {
            "Content-Type": BATCH_MEDIA_TYPE,
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return await self._client.post("/v1/events", content=body, headers=headers)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise Permanent(
                f"`{self._url}` is no address; give one such as http://127.0.0.1:8000 or nats://127.0.0.1:4222"
            ) from None
        except (httpx.TransportError, TimeoutError) as error:
            raise Unavailable(f"{self._url} cannot be reached ({type(error).__name__})") from None


def _placed(response: httpx.Response, count: int) -> list[Appended]:
    try:
        placed = msgspec.json.decode(response.content, type=Receipt).placed()
    except msgspec.DecodeError:
        placed = []
    if len(placed) != count:
        raise Permanent(f"{response.url} does not answer like a gateway of Tidings")
    return placed


def _raise(response: httpx.Response) -> NoReturn:
    status, problem = response.status_code, _problem(response)
    said = f"HTTP {status}: {problem.get('detail') or problem.get('title') or 'no reason given'}"
    if line := problem.get("line"):
        raise Wrong(
            line - 1,
            problem.get("field") or "",
            problem.get("detail") or said,
            too_large=status == 413,
        )
    if status in UNAUTHORISED:
        raise Unauthorised(said)
    if status in (408, 425, 429) or status >= 500:
        raise Unavailable(said, _pause_seconds(response))
    raise Permanent(f"{response.url}: {said}")


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _pause_seconds(response: httpx.Response) -> float:
    """What `Retry-After` asks for: seconds, or a date (RFC 9110, section 10.2.3)."""
    asked = response.headers.get("Retry-After", "")
    if asked.isdecimal():
        return float(asked)
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
