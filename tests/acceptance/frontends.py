"""Front ends as the five products wrote them: frames of their own, no cursors, reconnection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tidings.contracts.notifications import SENT_DEVICE
from tidings.contracts.subjects import NOTIFICATIONS, Person
from tidings.runtime.log.read import read
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.driver import WAIT_SECONDS, Tidings

FIELD_SERVICE, BARBERSHOP, CHAT, INCIDENTS = (
    "/ws",
    "/api/v1/ws",
    "/ws/notifications",
    "/api/v1/ws/notifications",
)
SOCKETS = (FIELD_SERVICE, BARBERSHOP, CHAT, INCIDENTS)


class FrontEnd:
    """A page with a WebSocket of one of the products."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []

    async def next(self, *names: str) -> dict[str, Any]:
        """Read the next frame (of these types or events)."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                frame = json.loads(await self.socket.recv())
                self.heard.append(frame)
                if not names or frame.get("event", frame.get("type")) in names:
                    return frame

    async def send(self, frame: dict[str, Any] | str | bytes) -> None:
        await self.socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def read_pending(self) -> list[dict[str, Any]]:
        """Return all frames up to the answer to a ping."""
        await self.send({"type": "ping"})
        await self.next("pong")
        return self.heard

    async def read_until(self, *names: str, count: int) -> list[dict[str, Any]]:
        """Read until there are `count` frames of this type, and return them."""
        return [await self.next(*names) for _ in range(count)]

    async def read_close_code(self) -> int:
        """Read until the server closes the connection, and return the close code."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            return self.socket.close_code or 0

    @property
    def badge(self) -> int:
        """Return the unread count as the chat's hook keeps it.

        It adds one for each notification, and takes the number of an `unread_count`.
        """
        count = 0
        for frame in self.heard:
            match frame["type"]:
                case "notification":
                    count += 1
                case "unread_count":
                    count = frame["data"]["count"]
                case _:
                    pass
        return count

    def drop(self) -> None:
        """Abort the connection without a close frame, as when the network is lost."""
        self.socket.transport.abort()


def texts_on(page: FrontEnd) -> list[str]:
    """Return the texts of the notifications that a page has received, in order."""
    bodies = (
        frame["data"].get("notification", frame["data"]) for frame in page.heard if "data" in frame
    )
    return [
        data["message"]
        for data in bodies
        if "message" in data and {"id", "notification_id"} & data.keys()
    ]


@asynccontextmanager
async def open_front_end(
    tidings: Tidings, path: str, user: str = "alice", token: str | None = None, **query: str
) -> AsyncIterator[FrontEnd]:
    """Hold a page open while the block lasts."""
    given = {"token": token if token is not None else tidings.token(user), **query}
    address = f"{tidings.url.replace('http', 'ws')}{path}?" + "&".join(
        f"{name}={value}" for name, value in given.items()
    )
    async with connect(address) as socket:
        yield FrontEnd(socket)


class EventSource:
    """The events and the last event id that a browser's EventSource keeps."""

    def __init__(self, lines: AsyncIterator[str], last: str | None) -> None:
        self._lines = lines
        self.last = last
        self.heard: list[tuple[str, dict[str, Any]]] = []

    async def next(self, name: str) -> dict[str, Any]:
        """Read the next event of this name, and return its data."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(WAIT_SECONDS):
            async for line in self._lines:
                if line:
                    field, _, value = line.partition(": ")
                    fields[field] = value
                    continue
                found, fields = fields, {}
                self.last = found.get("id", self.last)
                self.heard.append((found.get("event", ""), json.loads(found.get("data", "{}"))))
                if found.get("event") == name:
                    return json.loads(found["data"])
        raise AssertionError(f"the stream ended before {name}")


@asynccontextmanager
async def open_event_source(
    tidings: Tidings, last: str | None = None
) -> AsyncIterator[EventSource]:
    """Hold an event stream open while the block lasts.

    An EventSource of a browser sends no header but `Last-Event-ID`.
    """
    headers = {"Last-Event-ID": last} if last else {}
    query = {"token": tidings.token("alice")}
    async with tidings.http.stream(
        "GET", "/notifications/stream", params=query, headers=headers, timeout=60
    ) as response:
        assert response.status_code == 200, await response.aread()
        yield EventSource(response.aiter_lines(), last)


async def wait_until_sent(tidings: Tidings, user: str, after: int = 0) -> int:
    """Wait for the receipt that a user was sent an entry after a sequence; return the sequence."""
    subject = tidings.runtime.settings.subjects.receipt_subject(Person(tidings.tenant, user))
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = [
                json.loads(message.data)
                for message in await read(
                    tidings.runtime.jetstream, NOTIFICATIONS, subject, after=0
                )
            ]
            reached = max(
                (
                    int(each["cursor"].split("-")[1])
                    for each in found
                    if each["device"] == SENT_DEVICE
                ),
                default=0,
            )
            if reached > after:
                return reached
            await asyncio.sleep(0.05)


async def request_as_alice(
    tidings: Tidings, method: str, path: str, **query: Any
) -> httpx.Response:
    """Send a request of a product's page, with a token of alice."""
    return await tidings.http.request(method, path, params=query, headers=tidings.headers("alice"))
