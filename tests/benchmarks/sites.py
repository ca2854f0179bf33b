"""The systems that a tab reconnects to, each with the recovery of its own client."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.benchmarks.processes import Server
from tests.benchmarks.system import System, encode_announcement, make_draft, person
from tests.benchmarks.tab import Tab

REDIS_SECONDS = 10.0
REDIS_STEP_SECONDS = 0.05


class Site(Protocol):
    """A system to which tabs connect and messages are sent."""

    async def send(self, user: str, number: int) -> None:
        """Send a numbered message to a user."""
        ...

    def connect(self, tab: Tab) -> AbstractAsyncContextManager[None]:
        """Connect a tab with its saved state while the block lasts."""
        ...

    async def restart(self, number: signal.Signals) -> None:
        """Stop the server with a signal and start it again; its data stores keep running."""
        ...


class RestartableServer:
    """A server that can be ended and started again; made by `run_restartable`."""

    def __init__(self, start: Callable[[], AbstractAsyncContextManager[Server]]) -> None:
        self._start = start
        self._stack = AsyncExitStack()
        self.server = Server(0, 0)

    @property
    def url(self) -> str:
        """Where it is now."""
        return f"http://127.0.0.1:{self.server.port}"

    async def open(self) -> None:
        """Start it."""
        self.server = await self._stack.enter_async_context(self._start())

    async def restart(self, number: signal.Signals) -> None:
        """Stop it with a signal, and start it again."""
        os.kill(self.server.pid, number)
        await self.close()
        await self.open()

    async def close(self) -> None:
        """End it."""
        await self._stack.aclose()


@asynccontextmanager
async def run_restartable(
    start: Callable[[], AbstractAsyncContextManager[Server]],
) -> AsyncGenerator[RestartableServer]:
    """A server while the block lasts."""
    running = RestartableServer(start)
    await running.open()
    try:
        yield running
    finally:
        await running.close()


class Tidings:
    """An edge, with the cursor in the tab."""

    def __init__(self, system: System, edge: RestartableServer) -> None:
        self._system = system
        self._edge = edge
        self._appender = system.runtime.appender()
        self.restart = edge.restart

    async def send(self, user: str, number: int) -> None:
        """Append an event that tells a user."""
        await self._appender.append(
            make_draft(encode_announcement(number, _PERSON.tenant, (user,), sent_ns=number))
        )

    @asynccontextmanager
    async def connect(self, tab: Tab) -> AsyncGenerator[None]:
        """A WebSocket from the tab's cursor on."""
        async with self.socket(tab) as socket, tab.reading(self._frames(socket, tab)):
            yield

    async def mark_read(self, tab: Tab, count: int) -> None:
        """Mark this many notifications of a tab as read."""
        async with self.socket(tab) as socket:
            mark = {
                "type": "mark",
                "op": "losses",
                "state": "read",
                "ids": tab.saved_state["ids"].split()[:count],
            }
            await socket.send(json.dumps(mark))
            while json.loads(await socket.recv())["type"] != "result":
                pass

    def socket(self, tab: Tab) -> connect:
        """A connection of the tab's."""
        headers = {"Authorization": f"Bearer {self._system.token(_PERSON._replace(user=tab.user))}"}
        query = f"?cursor={tab.saved_state['cursor']}" if "cursor" in tab.saved_state else ""
        return connect(
            f"ws://127.0.0.1:{self._edge.server.port}/v1/socket{query}",
            additional_headers=headers,
            proxy=None,
        )

    async def _frames(self, socket: ClientConnection, tab: Tab) -> None:
        async for text in socket:
            frame = json.loads(text)
            tab.saved_state["cursor"] = frame.get("cursor", tab.saved_state.get("cursor"))
            match frame["type"]:
                case "live":
                    tab.ready.set()
                case "reset":
                    tab.was_told = True
                case "entries" | "snapshot":
                    _take(tab, frame.get("entries") or [*reversed(frame.get("notifications", ()))])
                case _:
                    pass


_PERSON = person(0)


def _take(tab: Tab, entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        if entry["entry"] == "mark":
            tab.read_ids |= set(entry.get("ids", ()))
            continue
        known = entry["id"] in tab.saved_state.get("ids", "").split()
        if entry.get("read"):
            tab.read_ids.add(entry["id"])
        if not (known and entry.get("read")):  # a changed notification is sent again
            tab.saved_state["ids"] = f"{tab.saved_state.get('ids', '')} {entry['id']}"
            tab.record_number(entry["data"]["sent_ns"])


class FastApi:
    """FastAPI + Redis: an event stream, and nothing for a tab to keep."""

    def __init__(self, server: RestartableServer, http: httpx.AsyncClient) -> None:
        self._server = server
        self._http = http
        self.restart = server.restart

    async def send(self, user: str, number: int) -> None:
        """Post a notification."""
        body = {"user_id": user, "title": "Task assigned", "message": "", "data": {"n": number}}
        (await self._http.post(f"{self._server.url}/notifications", json=body)).raise_for_status()

    @asynccontextmanager
    async def connect(self, tab: Tab) -> AsyncGenerator[None]:
        """An event stream."""
        stream = self._http.stream("GET", f"{self._server.url}/stream", params={"user": tab.user})
        async with stream as response, tab.reading(self._events(response, tab)):
            yield

    async def _events(self, response: httpx.Response, tab: Tab) -> None:
        async for event in events(response):
            tab.ready.set()
            if "n" in (data := json.loads(event["data"]).get("data", {})):
                tab.record_number(data["n"])


class SocketIo:
    """Socket.IO with connection state recovery: the tab keeps a session id and an offset."""

    def __init__(self, server: RestartableServer, http: httpx.AsyncClient) -> None:
        self._server = server
        self._http = http
        self.restart = server.restart

    async def send(self, user: str, number: int) -> None:
        """Have the server emit to a user."""
        (
            await self._http.post(
                f"{self._server.url}/send", params={"user": user}, json={"n": number}
            )
        ).raise_for_status()

    @asynccontextmanager
    async def connect(self, tab: Tab) -> AsyncGenerator[None]:
        """A WebSocket that asks for the session's recovery."""
        url = f"ws://127.0.0.1:{self._server.server.port}/socket.io/?EIO=4&transport=websocket"
        async with connect(url, proxy=None) as socket:
            await socket.send(f"40{json.dumps({'user': tab.user, **tab.saved_state})}")
            async with tab.reading(self._packets(socket, tab)):
                yield

    async def _packets(self, socket: ClientConnection, tab: Tab) -> None:
        async for packet in socket:
            match str(packet)[:2], str(packet)[2:]:
                case "40", body:
                    _session(tab, json.loads(body)["pid"])
                case "42", body:
                    _, message, *offset = json.loads(body)
                    tab.saved_state |= {"offset": offset[0]} if offset else {}
                    tab.record_number(message["n"])
                case _:
                    pass


def _session(tab: Tab, pid: str) -> None:
    """Check for a session that was not recovered: the server gives it a new id."""
    tab.was_told = tab.was_told or tab.saved_state.get("pid", pid) != pid
    tab.saved_state["pid"] = pid
    tab.ready.set()


class Nchan:
    """Nchan: an event stream, with the id of the last event in the tab."""

    def __init__(self, server: RestartableServer, http: httpx.AsyncClient) -> None:
        self._server = server
        self._http = http
        self.restart = server.restart

    async def send(self, user: str, number: int) -> None:
        """Publish to the channel of a user; retry while the server has not connected to Redis."""
        async with asyncio.timeout(REDIS_SECONDS):
            while not await self._published(user, number):  # noqa: ASYNC110  no signal
                await asyncio.sleep(REDIS_STEP_SECONDS)

    async def _published(self, user: str, number: int) -> bool:
        return (
            await self._http.post(
                f"{self._server.url}/send", params={"user": user}, json={"n": number}
            )
        ).is_success

    @asynccontextmanager
    async def connect(self, tab: Tab) -> AsyncGenerator[None]:
        """An event stream after the last event."""
        headers = {"Accept": "text/event-stream"} | (
            {"Last-Event-ID": tab.saved_state["id"]} if "id" in tab.saved_state else {}
        )
        stream = self._http.stream(
            "GET", f"{self._server.url}/listen", params={"user": tab.user}, headers=headers
        )
        async with stream as response, tab.reading(self._events(response, tab)):
            yield

    async def _events(self, response: httpx.Response, tab: Tab) -> None:
        if response.status_code == 200:
            tab.ready.set()
        async for event in events(response):
            tab.saved_state["id"] = event["id"]
            tab.record_number(json.loads(event["data"])["n"])


async def events(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """The events of a stream, by field."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield fields
            fields = {}
