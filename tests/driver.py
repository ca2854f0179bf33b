"""Tidings as its users see it: emitting, connecting, marking, listing; over HTTP, WebSocket and SSE."""

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
from tidings.runtime.auth import issue
from tidings.runtime.process import Runtime
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SECRET = "a secret for the tests, long enough for HS256"
WAIT_SECONDS = 15.0
KINDS = ("category", "type", "entity", "group")


def event(
    type_: str,
    *,
    identifier: str | None = None,
    tenant: str | None = None,
    actor: str | None = None,
    **data: Any,
) -> dict[str, Any]:
    """A CloudEvent as a domain service sends it."""
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": identifier or str(uuid4()),
        "source": "/tests",
        "type": type_,
        "data": data,
    }
    return {**body, **({"tenant": tenant} if tenant else {}), **({"actor": actor} if actor else {})}


def hello_to(*users: str, **more: Any) -> dict[str, Any]:
    """An announcement to users."""
    return event(
        "announcement.published",
        **{"title": "Hello", "message": "there", "to": {"users": list(users)}, **more},
    )


class Client:
    """A browser's tab: verifies the chain of frames and folds them, as the protocol asks of clients."""

    def __init__(
        self, frames: AsyncIterator[dict[str, Any]], socket: ClientConnection | None = None
    ) -> None:
        self._frames = frames
        self._socket = socket
        self.cursor: str | None = None
        self.counts: dict[str, int] = {}
        self.notifications: dict[str, dict[str, Any]] = {}
        self.entries: list[dict[str, Any]] = []
        self.seen: list[dict[str, Any]] = []

    async def next(self, *types: str) -> dict[str, Any]:
        """The next frame, or the next of these types; every one is checked and folded. Raises ConnectionClosed, TimeoutError."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                frame = await anext(self._frames)
                self._fold(frame)
                if not types or frame["type"] in types:
                    return frame

    async def live(self) -> Self:
        """Read until caught up, if that has not been yet."""
        if not any(frame["type"] == "live" for frame in self.seen):
            await self.next("live")
        return self

    async def until(self, count: int) -> list[dict[str, Any]]:
        """Read until there have been so many entries, and return them."""
        while len(self.entries) < count:
            await self.next("entries", "snapshot")
        return self.entries

    async def until_counts(self, **expected: int) -> None:
        """Read until the counts are these."""
        while any(self.counts.get(name) != value for name, value in expected.items()):
            await self.next("entries", "snapshot")

    async def send(self, frame: dict[str, Any] | str | bytes) -> None:
        """Send a frame on a WebSocket."""
        assert self._socket
        await self._socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def mark(
        self, state: str, *ids: str, op: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """Mark by a frame, by ids or by what else is given (`up_to`, `filter`; `until`), and wait for its result."""
        which = {"ids": list(ids)} if ids else {}
        await self.send({"type": "mark", "op": op or uuid4().hex, "state": state, **which, **more})
        return await self.next("result")

    @property
    def shown(self) -> list[str]:
        """What the list of this tab shows now, newest first: what is neither archived nor snoozed."""
        now = datetime.now(UTC)
        return [
            identifier
            for identifier, each in reversed(self.notifications.items())
            if "archived" not in each
            and ("snoozed" not in each or datetime.fromisoformat(each["snoozed"]) <= now)
        ]

    async def closed(self) -> int:
        """Read until the other side closes, and return the code."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            assert self._socket
            return self._socket.close_code or 0

    def _fold(self, frame: dict[str, Any]) -> None:
        self.seen.append(frame)
        match frame["type"]:
            case "entries":
                assert frame["after"] == self.cursor, f"{frame} does not follow {self.cursor}"
                self.cursor = frame["cursor"]
                self._take(frame)
            case "heartbeat":
                assert frame["cursor"] == self.cursor, f"{frame} but the client is at {self.cursor}"
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
    """Whether a mark is about a notification that came before it."""
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
    """One tenant's view of a running installation."""

    def __init__(self, url: str, runtime: Runtime, tenant: str | None = None) -> None:
        self.url = url
        self.runtime = runtime
        self.tenant = tenant or f"t{uuid4().hex[:10]}"
        self.token_seconds = 3600.0
        self._stack = AsyncExitStack()

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
        scope: str = "inbox emit",
        seconds: float | None = None,
        tenant: str | None = None,
    ) -> str:
        """A token for a user of this tenant, or of another one."""
        return issue(
            Person(tenant or self.tenant, user),
            scope,
            SECRET,
            time.time(),
            seconds or self.token_seconds,
        )

    def headers(self, user: str = "service", **more: Any) -> dict[str, str]:
        """The headers of a request."""
        return {"Authorization": f"Bearer {self.token(user, **more)}"}

    async def emit(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Append events through the gateway."""
        body = "\n".join(json.dumps(each) for each in events)
        response = await self.http.post(
            "/v1/events",
            content=body,
            headers={**self.headers(), "Content-Type": "application/x-ndjson"},
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def connect(self, user: str, cursor: str | None = None, **auth: str) -> Client:
        """A WebSocket, closed at the end of the test."""
        return await self._stack.enter_async_context(self.socket(user, cursor, **auth))

    async def stream(self, user: str, cursor: str | None = None, /, **query: Any) -> Client:
        """An event stream, closed at the end of the test."""
        return await self._stack.enter_async_context(self.events(user, cursor, **query))

    @asynccontextmanager
    async def socket(
        self, user: str, cursor: str | None = None, **auth: str
    ) -> AsyncIterator[Client]:
        """A WebSocket while the block lasts."""
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
        """An event stream while the block lasts."""
        headers = {**self.headers(user), **({"Last-Event-ID": cursor} if cursor else {})}
        async with self.http.stream(
            "GET", "/v1/stream", params=query, headers=headers, timeout=60
        ) as response:
            assert response.status_code == 200, await response.aread()
            yield Client(_events(response))

    async def get(self, path: str, user: str, /, **query: Any) -> dict[str, Any]:
        """A request's answer."""
        response = await self.http.get(
            path,
            params={name: value for name, value in query.items() if value is not None},
            headers=self.headers(user),
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def listing(self, user: str, state: str = "all") -> list[dict[str, Any]]:
        """All pages of a list."""
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
        """All pages of `GET /v1/log` after a cursor, folded onto what was known there."""
        pages = self._pages(user, after)
        client = Client(pages)
        client.cursor, client.notifications = after, known or {}
        while not client.seen or client.seen[-1].get("more"):
            await client.next()
        return client

    async def _pages(self, user: str, after: str) -> AsyncIterator[dict[str, Any]]:
        while True:
            page = await self.get("/v1/log", user, after=after)
            yield page
            after = page["cursor"]

    async def eventually(self, user: str, **counts: int) -> dict[str, int]:
        """Ask for the counts until they are these."""
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
