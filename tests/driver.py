"""A driver that uses Tidings as a client does: HTTP, WebSocket and Server-Sent Events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

import httpx
from tidings.contracts.subjects import Person
from tidings.runtime.auth.emit_rights import EVERY_EMIT_SCOPE
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.process import Runtime
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SECRET = "a secret for the tests, long enough for HS256"
WAIT_SECONDS = 15.0
KINDS = ("category", "type", "entity", "group")


class Client:
    """A client that checks the chain of frames and applies them, as the protocol requires."""

    def __init__(
        self, frames: AsyncIterator[dict[str, Any]], socket: ClientConnection | None = None
    ) -> None:
        self._frames = frames
        self._socket = socket
        self.cursor: str | None = None
        self.counts: dict[str, int] = {}
        self.notifications: dict[str, dict[str, Any]] = {}
        self.entries: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []

    async def next(self, *types: str) -> dict[str, Any]:
        """Read the next frame (of these types), checking and applying every frame on the way.

        Raises ConnectionClosed, TimeoutError.
        """
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                frame = await anext(self._frames)
                self._fold(frame)
                if not types or frame["type"] in types:
                    return frame

    async def live(self) -> Self:
        """Read until the client has caught up, unless it already has."""
        if not any(frame["type"] == "live" for frame in self.frames):
            await self.next("live")
        return self

    async def until(self, count: int) -> list[dict[str, Any]]:
        """Read until there are `count` entries, and return all of them."""
        while len(self.entries) < count:
            await self.next("entries", "snapshot")
        return self.entries

    async def until_counts(self, **expected: int) -> None:
        """Read until the counts have these values."""
        while any(self.counts.get(name) != value for name, value in expected.items()):
            await self.next("entries", "snapshot")

    async def send(self, frame: dict[str, Any] | str | bytes) -> None:
        """Send a frame on a WebSocket."""
        assert self._socket
        await self._socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def mark(
        self, state: str, *ids: str, op: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """Send a mark, by ids or by `up_to`, `filter` and `until`, and return its result."""
        which = {"ids": list(ids)} if ids else {}
        await self.send({"type": "mark", "op": op or uuid4().hex, "state": state, **which, **more})
        return await self.next("result")

    @property
    def visible_ids(self) -> list[str]:
        """Return the ids in the list, newest first, without archived and snoozed notifications."""
        now = datetime.now(UTC)
        return [
            identifier
            for identifier, each in reversed(self.notifications.items())
            if "archived" not in each
            and ("snoozed" not in each or datetime.fromisoformat(each["snoozed"]) <= now)
        ]

    async def wait_for_close(self) -> int:
        """Read until the server closes the connection, and return the close code."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            assert self._socket
            return self._socket.close_code or 0

    def _fold(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        match frame["type"]:
            case "entries":
                assert frame["after"] == self.cursor, f"{frame} does not follow {self.cursor}"
                self.cursor = frame["cursor"]
                self._take(frame)
            case "heartbeat":
                assert frame["cursor"] == self.cursor, f"{frame} but the client is at {self.cursor}"
                self.counts = frame.get("counts", self.counts)
            case "hello" | "reset":
                self.cursor = frame["cursor"]
            case "snapshot":
                self.cursor, self.counts = frame["cursor"], frame["counts"]
                self.notifications = {each["id"]: each for each in reversed(frame["notifications"])}
            case _:
                pass

    def _take(self, frame: dict[str, Any]) -> None:
        self.entries += frame["entries"]
        self.counts = frame.get("counts", self.counts)
        for name, added in frame.get("counts_delta", {}).items():
            self.counts = {**self.counts, name: self.counts[name] + added}
        for entry in frame["entries"]:
            if entry["entry"] == "notification":
                self.notifications.pop(entry["id"], None)
                self.notifications[entry["id"]] = entry
            else:
                _mark(self.notifications, entry)


def _mark(notifications: dict[str, dict[str, Any]], mark: dict[str, Any]) -> None:
    for identifier, notification in list(notifications.items()):
        if not _named(mark, notification):
            continue
        match mark["state"]:
            case "deleted":
                del notifications[identifier]
            case "unread" | "unarchived" | "unsnoozed" as state:
                notification.pop(state.removeprefix("un"), None)
            case "snoozed":
                notification.pop("archived", None)
                notification["snoozed"] = mark["until"]
            case state:
                notification.setdefault(state, mark.get("action", mark["at"]))
                if state == "read":
                    notification.setdefault("seen", mark["at"])
                if state == "archived":
                    notification.pop("snoozed", None)


def _named(mark: dict[str, Any], notification: dict[str, Any]) -> bool:
    """Return whether a mark covers a notification that came before it."""
    if "filter" in mark:
        *kinds, unread = (mark["filter"].get(name) for name in (*KINDS, "unread"))
        fits = all(
            value in (None, _about(notification, name))
            for name, value in zip(KINDS, kinds, strict=True)
        )
        return fits and not (unread and "read" in notification)
    if "up_to" in mark:
        return int(notification["cursor"].split("-")[1]) <= int(
            mark["up_to"].split("-")[1].split(".")[0]
        )
    return notification["id"] in mark["ids"]


def _about(notification: dict[str, Any], name: str) -> str | None:
    found = notification.get(name)
    return f"{found['type']}:{found['id']}" if name == "entity" and found else found


class Tidings:
    """A client of one tenant of a running installation."""

    def __init__(self, url: str, runtime: Runtime | None, tenant: str | None = None) -> None:
        self.url = url
        self._runtime = runtime
        self.tenant = tenant or f"t{uuid4().hex[:10]}"
        self.token_seconds = 3600.0
        self.dialect: str | None = None  # the claim of its tokens
        self._stack = AsyncExitStack()

    @property
    def runtime(self) -> Runtime:
        """Direct connections to NATS and Postgres; fails if the driver was made without them."""
        assert self._runtime, "this driver was made without a runtime"
        return self._runtime

    async def __aenter__(self) -> Self:
        self.http = await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=self.url, timeout=30)
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    def token(
        self,
        user: str = "service",
        scope: str = f"inbox {EVERY_EMIT_SCOPE}",
        seconds: float | None = None,
        tenant: str | None = None,
    ) -> str:
        """Issue a token for a user of this tenant, or of another one."""
        return issue_token(
            Person(tenant or self.tenant, user),
            scope,
            SECRET,
            time.time(),
            seconds or self.token_seconds,
            **({"dialect": self.dialect} if self.dialect else {}),
        )

    def headers(self, user: str = "service", **more: Any) -> dict[str, str]:
        """Return request headers with a token."""
        return {"Authorization": f"Bearer {self.token(user, **more)}"}

    async def emit(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Emit events through the gateway, and return its answer."""
        body = "\n".join(json.dumps(each) for each in events)
        response = await self.http.post(
            "/v1/events",
            content=body,
            headers={**self.headers(), "Content-Type": "application/x-ndjson"},
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def connect(self, user: str, cursor: str | None = None, **auth: str) -> Client:
        """Open a WebSocket that is closed at the end of the test."""
        return await self._stack.enter_async_context(self.socket(user, cursor, **auth))

    async def stream(self, user: str, cursor: str | None = None, /, **query: Any) -> Client:
        """Open an event stream that is closed at the end of the test."""
        return await self._stack.enter_async_context(self.events(user, cursor, **query))

    @asynccontextmanager
    async def socket(
        self, user: str, cursor: str | None = None, **auth: str
    ) -> AsyncIterator[Client]:
        """Hold a WebSocket open while the block lasts."""
        async with connect(
            self.url.replace("http", "ws") + "/v1/socket", max_size=2**24, close_timeout=1
        ) as socket:
            await socket.send(
                json.dumps(
                    {
                        "type": "auth",
                        "token": self.token(user),
                        **({"cursor": cursor} if cursor else {}),
                        **auth,
                    }
                )
            )
            yield Client(_texts(socket), socket)

    @asynccontextmanager
    async def events(
        self, user: str, cursor: str | None = None, /, **query: Any
    ) -> AsyncIterator[Client]:
        """Hold an event stream open while the block lasts."""
        headers = {**self.headers(user), **({"Last-Event-ID": cursor} if cursor else {})}
        async with self.http.stream(
            "GET", "/v1/stream", params=query, headers=headers, timeout=60
        ) as response:
            assert response.status_code == 200, await response.aread()
            yield Client(_events(response))

    async def get(self, path: str, user: str, /, **query: Any) -> dict[str, Any]:
        """Send a GET request, and return its JSON; fails unless the status is 200."""
        response = await self.http.get(
            path,
            params={name: value for name, value in query.items() if value is not None},
            headers=self.headers(user),
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def list_all(self, user: str, state: str = "all") -> list[dict[str, Any]]:
        """Return all pages of the list of notifications."""
        found: list[dict[str, Any]] = []
        before = None
        while True:
            page = await self.get("/v1/notifications", user, state=state, limit=100, before=before)
            found += page["notifications"]
            before = page["next"]
            if before is None:
                return found

    async def replay(
        self, user: str, after: str, known: dict[str, dict[str, Any]] | None = None
    ) -> Client:
        """Apply all pages of `GET /v1/log` after a cursor to the notifications known there."""
        pages = self._pages(user, after)
        client = Client(pages)
        client.cursor, client.notifications = after, known or {}
        while not client.frames or client.frames[-1].get("more"):
            await client.next()
        return client

    async def _pages(self, user: str, after: str) -> AsyncIterator[dict[str, Any]]:
        while True:
            page = await self.get("/v1/log", user, after=after)
            yield page
            after = page["cursor"]

    async def wait_for_counts(self, user: str, **counts: int) -> dict[str, int]:
        """Poll the counts until they have these values, and return them."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                found = await self.get("/v1/counts", user)
                if all(found[name] == value for name, value in counts.items()):
                    return found
                await asyncio.sleep(0.02)


async def _texts(socket: ClientConnection) -> AsyncIterator[dict[str, Any]]:
    while True:
        yield json.loads(await socket.recv())


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            frame = json.loads(fields["data"])
            assert fields["event"] == frame["type"]
            fields = {}
            yield frame
