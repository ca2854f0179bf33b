"""Entrances: every way in, with every kind of credential, as a browser or another client takes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.driver import WAIT_SECONDS, Tidings

COOKIE = "tidings_token"
SOCKET_WAYS = ("header", "frame", "subprotocol", "cookie", "ticket")
STREAM_WAYS = ("header", "cookie", "ticket")


def origin_of(tidings: Tidings) -> str:
    """The origin of a page that the edge itself would serve."""
    return tidings.url


class Events(NamedTuple):
    """An open event stream; its lines come once."""

    lines: AsyncIterator[str]


async def ticket(tidings: Tidings, token: str, origin: str | None = None) -> str:
    """A ticket for the bearer of a token."""
    headers = {"Authorization": f"Bearer {token}", **({"Origin": origin} if origin else {})}
    response = await tidings.http.post("/v1/tickets", headers=headers)
    assert response.status_code == 200, response.text
    return response.json()["ticket"]


async def shown(tidings: Tidings, way: str, token: str) -> tuple[str, dict[str, str], list[str]]:
    """The query, the headers and the subprotocols that show a token in a way."""
    match way:
        case "header":
            return "", {"Authorization": f"Bearer {token}"}, []
        case "cookie":
            return "", {"Cookie": f"other=1; {COOKIE}={token}", "Origin": origin_of(tidings)}, []
        case "subprotocol":
            return "", {}, ["tidings.v1", f"bearer.{token}"]
        case "ticket":
            return f"?ticket={await ticket(tidings, token)}", {}, []
        case _:
            return "", {}, []


@asynccontextmanager
async def socket(tidings: Tidings, way: str, token: str) -> AsyncIterator[ClientConnection]:
    """A WebSocket opened in a way."""
    query, headers, subprotocols = await shown(tidings, way, token)
    async with at(tidings, query, subprotocols=subprotocols or None, **headers) as opened:
        if way == "frame":
            await opened.send(json.dumps({"type": "auth", "token": token}))
        yield opened


def at(tidings: Tidings, query: str = "", subprotocols: Any = None, **headers: str) -> connect:
    """A WebSocket with such a query and headers."""
    return connect(
        tidings.url.replace("http", "ws") + f"/v1/socket{query}",
        subprotocols=subprotocols,
        additional_headers=headers,
    )


@asynccontextmanager
async def stream(tidings: Tidings, way: str, token: str) -> AsyncIterator[Events]:
    """An event stream opened in a way."""
    query, headers, _ = await shown(tidings, way, token)
    async with tidings.http.stream(
        "GET", f"/v1/stream{query}", headers=headers, timeout=WAIT_SECONDS
    ) as response:
        assert response.status_code == 200, await response.aread()
        yield Events(response.aiter_lines())


async def frames(opened: ClientConnection | Events) -> AsyncIterator[dict[str, Any]]:
    """What comes over either."""
    async for text in opened.lines if isinstance(opened, Events) else opened:
        if isinstance(opened, ClientConnection) or text.startswith("data: "):
            yield json.loads(text.removeprefix("data: "))
    if isinstance(opened, ClientConnection):
        await opened.recv()


async def until(opened: ClientConnection | Events, type_: str) -> dict[str, Any]:
    """The next frame of a type."""
    async with asyncio.timeout(WAIT_SECONDS):
        async for frame in frames(opened):
            if frame["type"] == type_:
                return frame
    raise AssertionError(f"no {type_}")


async def ended(opened: ClientConnection | Events) -> tuple[int, str]:
    """With which code and words it ends."""
    last: dict[str, Any] = {}
    async with asyncio.timeout(WAIT_SECONDS):
        try:
            async for frame in frames(opened):
                last = frame
        except ConnectionClosed:
            assert isinstance(opened, ClientConnection)
            return opened.close_code or 0, opened.close_reason or ""
    return int(last.get("code", 0)), last.get("message", "")


async def refused(opening: connect) -> tuple[int, str]:
    """With which HTTP status and words a handshake is refused."""
    try:
        async with opening:
            return 101, ""
    except InvalidStatus as status:
        return status.response.status_code, (status.response.body or b"").decode()
