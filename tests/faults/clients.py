"""Clients that never give up: producers that retry, and followers that return with a cursor."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import httpx
import msgspec
from tidings.contracts.cloudevents import LINES_MEDIA_TYPE
from tidings.contracts.http_bodies.results import Receipt
from websockets.exceptions import WebSocketException

from tests.builders import make_event
from tests.driver import Client, Tidings
from tests.faults.model import Acknowledged, EmittedEvent

CONNECTION_ERRORS = (OSError, TimeoutError, httpx.TransportError, WebSocketException)
RETRY_SECONDS = 0.1
REQUEST_SECONDS = 40.0
BATCHES = (1, 1, 1, 2, 7, 20)


class Producer:
    """Emits events one request after another, each again until a gateway acknowledges it."""

    def __init__(
        self, number: int, tenant: Tidings, gateways: Sequence[str], users: Sequence[str]
    ) -> None:
        self._number = number
        self._tenant = tenant
        self._gateways = gateways
        self._users = users
        self._dice = random.Random(number)
        self._count = 0
        self.acknowledged: list[Acknowledged] = []
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []
        self.sent_at: dict[str, float] = {}

    async def run(self, stop: asyncio.Event, pause_seconds: float) -> None:
        """Emit until stopped; every event that was sent is acknowledged at the end."""
        async with httpx.AsyncClient(timeout=REQUEST_SECONDS) as http:
            while not stop.is_set():
                await self._emit(http, [self._next_event() for _ in range(self._batch_size())])
                await asyncio.sleep(self._dice.uniform(0, 2 * pause_seconds))

    def _batch_size(self) -> int:
        return self._dice.choice(BATCHES)

    def _next_event(self) -> EmittedEvent:
        self._count += 1
        users = tuple(self._dice.sample(list(self._users), self._dice.choice((1, 1, 2))))
        return EmittedEvent(f"{self._number}-{self._count}", users, self._number)

    async def _emit(self, http: httpx.AsyncClient, events: list[EmittedEvent]) -> None:
        body = b"\n".join(map(_encode, events))
        sent_at = time.monotonic()
        self.sent_at |= dict.fromkeys((event.title for event in events), sent_at)
        receipt = await self._post_until_acknowledged(http, body)
        self.seconds.append(time.monotonic() - sent_at)
        self.acknowledged += [
            Acknowledged(event, result.sequence)
            for event, result in zip(events, receipt.results(), strict=True)
        ]

    async def _post_until_acknowledged(self, http: httpx.AsyncClient, body: bytes) -> Receipt:
        while True:
            for gateway in self._dice.sample(list(self._gateways), len(self._gateways)):
                if receipt := await self._post(http, gateway, body):
                    return receipt
                await asyncio.sleep(RETRY_SECONDS)

    async def _post(self, http: httpx.AsyncClient, gateway: str, body: bytes) -> Receipt | None:
        headers = {**self._tenant.headers(), "Content-Type": LINES_MEDIA_TYPE}
        try:
            response = await http.post(f"{gateway}/v1/events", content=body, headers=headers)
        except httpx.TransportError:
            return None
        self.statuses[response.status_code] += 1
        if response.status_code == 503:
            assert "Retry-After" in response.headers
        if response.status_code != 200:
            return None
        return msgspec.json.decode(response.content, type=Receipt)


def _encode(event: EmittedEvent) -> bytes:
    return json.dumps(
        make_event(
            "announcement.published",
            identifier=event.title,
            title=event.title,
            message="-",
            to={"users": list(event.users)},
        )
    ).encode()


class Follower:
    """A user's client at changing edges; its frames form one chain over all connections."""

    def __init__(self, user: str, tenants: Sequence[Tidings], *, by_stream: bool) -> None:
        self.user = user
        self._tenants = tenants
        self._by_stream = by_stream
        self._cursor: str | None = None
        self.live = asyncio.Event()
        self.titles: list[str] = []
        self.received_at: dict[str, float] = {}
        self.connections = 0
        self.resets = 0

    @property
    def name(self) -> str:
        """The user and the transport."""
        return f"{self.user} by {'event stream' if self._by_stream else 'WebSocket'}"

    async def run(self) -> None:
        """Follow until cancelled; return with the cursor after every end."""
        while True:
            tenant = self._tenants[self.connections % len(self._tenants)]
            self.connections += 1
            with suppress(*CONNECTION_ERRORS):
                async with self._open(tenant) as client:
                    while True:
                        self._record(await client.next(), client)
            await asyncio.sleep(RETRY_SECONDS)

    def _open(self, tenant: Tidings) -> AbstractAsyncContextManager[Client]:
        if self._by_stream:
            return _open_stream(tenant, self.user, self._cursor)
        return tenant.socket(self.user, self._cursor)

    def _record(self, frame: dict[str, Any], client: Client) -> None:
        match frame["type"]:
            case "reset":
                self.resets += 1
            case "hello":
                assert self._cursor in (None, frame["cursor"]), f"{self.name}: {frame}"
            case "live":
                self.live.set()
            case "entries":
                titles = [entry["title"] for entry in frame["entries"] if "title" in entry]
                self.titles += titles
                now = time.monotonic()
                for title in titles:
                    self.received_at.setdefault(title, now)
            case _:
                pass
        self._cursor = client.cursor


@asynccontextmanager
async def _open_stream(tenant: Tidings, user: str, cursor: str | None) -> AsyncIterator[Client]:
    """Open an event stream; a refusal is an OSError, as it is with a WebSocket."""
    try:
        opened = tenant.events(user, cursor)
        client = await opened.__aenter__()
    except AssertionError as refused:
        raise ConnectionRefusedError(str(refused)) from None
    try:
        yield client
    finally:
        with suppress(*CONNECTION_ERRORS):
            await opened.__aexit__(None, None, None)
