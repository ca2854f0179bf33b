"""Front ends as they were written for the five products: they know their own frames, no cursors, and come back when a connection breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tidings.contracts.notifications import SENT
from tidings.contracts.subjects import NOTIFICATIONS, Person, receipt
from tidings.runtime.read import read
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
        """The next frame, or the next of these types or events."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                frame = json.loads(await self.socket.recv())
                self.heard.append(frame)
                if not names or frame.get("event", frame.get("type")) in names:
                    return frame

    async def send(self, frame: dict[str, Any] | str | bytes) -> None:
        await self.socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def all(self) -> list[dict[str, Any]]:
        """All that has been sent up to now: what comes before the answer to a ping."""
        await self.send({"type": "ping"})
        await self.next("pong")
        return self.heard

    async def until(self, *names: str, count: int) -> list[dict[str, Any]]:
        """So many frames of these."""
        return [await self.next(*names) for _ in range(count)]

    async def code(self) -> int:
        """With which code the other side closes."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            return self.socket.close_code or 0

    def drop(self) -> None:
        """The network is gone, without a word."""
        self.socket.transport.abort()


@asynccontextmanager
async def front_end(
    tidings: Tidings, path: str, user: str = "alice", token: str | None = None, **query: str
) -> AsyncIterator[FrontEnd]:
    """A page that is open while the block lasts."""
    given = {"token": token if token is not None else tidings.token(user), **query}
    address = f"{tidings.url.replace('http', 'ws')}{path}?" + "&".join(
        f"{name}={value}" for name, value in given.items()
    )
    async with connect(address) as socket:
        yield FrontEnd(socket)


class EventSource:
    """What a browser's EventSource keeps: the events, and the id of the last one that had one."""

    def __init__(self, lines: AsyncIterator[str], last: str | None) -> None:
        self._lines = lines
        self.last = last

    async def next(self, name: str) -> dict[str, Any]:
        """The data of the next event of a name."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(WAIT_SECONDS):
            async for line in self._lines:
                if line:
                    field, _, value = line.partition(": ")
                    fields[field] = value
                    continue
                found, fields = fields, {}
                self.last = found.get("id", self.last)
                if found.get("event") == name:
                    return json.loads(found["data"])
        raise AssertionError(f"the stream ended before {name}")


@asynccontextmanager
async def event_source(tidings: Tidings, last: str | None = None) -> AsyncIterator[EventSource]:
    """A stream that is open while the block lasts; native ones send no header but the id."""
    headers = {"Last-Event-ID": last} if last else {}
    query = {"token": tidings.token("alice")}
    async with tidings.http.stream(
        "GET", "/notifications/stream", params=query, headers=headers, timeout=60
    ) as response:
        assert response.status_code == 200, await response.aread()
        yield EventSource(response.aiter_lines(), last)


async def until_sent(tidings: Tidings, user: str, after: int = 0) -> int:
    """Wait until it is on record that a user has been sent something, up to a sequence after this one."""
    subject = receipt(Person(tidings.tenant, user), tidings.runtime.settings.partitions)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = [
                json.loads(message.data)
                for message in await read(
                    tidings.runtime.jetstream, NOTIFICATIONS, subject, after=0
                )
            ]
            reached = max(
                (int(each["cursor"].split("-")[1]) for each in found if each["device"] == SENT),
                default=0,
            )
            if reached > after:
                return reached
            await asyncio.sleep(0.05)
