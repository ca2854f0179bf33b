"""Connections with every kind of credential, as browsers and other clients open them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
from tidings.contracts.close_codes import CloseReason, decode_reason
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.driver import WAIT_SECONDS, Tidings

COOKIE = "tidings_token"
SOCKET_WAYS = ("header", "frame", "subprotocol", "cookie", "ticket")
STREAM_WAYS = ("header", "cookie", "ticket")


def origin_of(tidings: Tidings) -> str:
    """Return the origin of pages that the edge itself serves."""
    return tidings.url


class OpenStream(NamedTuple):
    """An open event stream; its lines can be read once."""

    lines: AsyncIterator[str]


async def fetch_ticket(tidings: Tidings, token: str, origin: str | None = None) -> str:
    """Exchange a token for a ticket."""
    headers = {"Authorization": f"Bearer {token}", **({"Origin": origin} if origin else {})}
    response = await tidings.http.post("/v1/tickets", headers=headers)
    assert response.status_code == 200, response.text
    return response.json()["ticket"]


async def present_token(
    tidings: Tidings, way: str, token: str
) -> tuple[str, dict[str, str], list[str]]:
    """Return the query, headers and subprotocols that carry a token in this way."""
    match way:
        case "header":
            return "", {"Authorization": f"Bearer {token}"}, []
        case "cookie":
            return "", {"Cookie": f"other=1; {COOKIE}={token}", "Origin": origin_of(tidings)}, []
        case "subprotocol":
            return "", {}, ["tidings.v1", f"bearer.{token}"]
        case "ticket":
            return f"?ticket={await fetch_ticket(tidings, token)}", {}, []
        case _:
            return "", {}, []


@asynccontextmanager
async def open_socket(tidings: Tidings, way: str, token: str) -> AsyncIterator[ClientConnection]:
    """Open a WebSocket with a credential that is carried in this way."""
    query, headers, subprotocols = await present_token(tidings, way, token)
    async with connect_with(tidings, query, subprotocols=subprotocols or None, **headers) as opened:
        if way == "frame":
            await opened.send(json.dumps({"type": "auth", "token": token}))
        yield opened


def connect_with(
    tidings: Tidings, query: str = "", subprotocols: Any = None, **headers: str
) -> connect:
    """Return a connector for a WebSocket with this query and these headers."""
    return connect(
        tidings.url.replace("http", "ws") + f"/v1/socket{query}",
        subprotocols=subprotocols,
        additional_headers=headers,
    )


@asynccontextmanager
async def open_stream(tidings: Tidings, way: str, token: str) -> AsyncIterator[OpenStream]:
    """Open an event stream with a credential that is carried in this way."""
    query, headers, _ = await present_token(tidings, way, token)
    async with tidings.http.stream(
        "GET", f"/v1/stream{query}", headers=headers, timeout=WAIT_SECONDS
    ) as response:
        assert response.status_code == 200, await response.aread()
        yield OpenStream(response.aiter_lines())


async def read_frames(opened: ClientConnection | OpenStream) -> AsyncIterator[dict[str, Any]]:
    """Read the frames of a WebSocket or an event stream until it ends."""
    if isinstance(opened, OpenStream):
        async for line in opened.lines:
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))
        return
    async for text in opened:
        yield json.loads(text)
    await opened.recv()  # raises ConnectionClosed with the close code, which the loop swallows


async def read_until(opened: ClientConnection | OpenStream, type_: str) -> dict[str, Any]:
    """Read until a frame of this type, and return it."""
    async with asyncio.timeout(WAIT_SECONDS):
        async for frame in read_frames(opened):
            if frame["type"] == type_:
                return frame
    raise AssertionError(f"no {type_}")


async def read_close(opened: ClientConnection | OpenStream) -> tuple[int, str]:
    """Read to the end, and return the close code and the words of the reason."""
    code, reason = await read_close_reason(opened)
    return code, reason.message


async def read_close_reason(opened: ClientConnection | OpenStream) -> tuple[int, CloseReason]:
    """Read to the end, and return the close code and reason."""
    last: dict[str, Any] = {}
    async with asyncio.timeout(WAIT_SECONDS):
        try:
            async for frame in read_frames(opened):
                last = frame
        except ConnectionClosed:
            assert isinstance(opened, ClientConnection)
            return opened.close_code or 0, decode_reason(opened.close_reason or "")
    return int(last.get("code", 0)), msgspec.convert({"message": "", **last}, CloseReason)


async def read_refusal(opening: connect) -> tuple[int, str]:
    """Attempt a handshake, and return the HTTP status and body of its refusal."""
    try:
        async with opening:
            return 101, ""
    except InvalidStatus as status:
        return status.response.status_code, (status.response.body or b"").decode()
