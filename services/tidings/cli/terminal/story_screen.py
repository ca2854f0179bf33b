"""A screen: a user's page of a product, open or closed; prints what the page shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import httpx
from tidings.client.addresses import web_socket_url
from tidings.client.proxies import proxied_transport, proxy_for
from tidings.demo.stories.story import FrontEnd
from tidings.runtime.errors import Permanent
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

SCENE_TIMEOUT_SECONDS = 30.0
"""How long a scene may take until every user has seen it."""


class MissingNotification(Permanent):
    """A user was not shown what they should have been; the text says who and what."""


class Screen:
    """A page of a front end, for one user; it is opened again where it was closed."""

    def __init__(
        self, front_end: FrontEnd, url: str, token: str, show: Callable[[str], None]
    ) -> None:
        self._front_end = front_end
        self._url = url + front_end.path
        self._token = token
        self._show = show
        self._last = ""
        self._reading: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self.count = 0

    def open(self) -> None:
        """Begin to listen."""
        frames = self._stream() if self._front_end.by_stream else self._socket()
        self._reading = asyncio.create_task(self._read(frames))

    async def close(self) -> None:
        """Stop listening, as when a tab is closed."""
        reading, self._reading = self._reading, None
        if reading:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def wait_for_count(self, count: int) -> None:
        """Wait until so many notifications were shown; raises MissingNotification."""
        try:
            async with asyncio.timeout(SCENE_TIMEOUT_SECONDS):
                while self.count < count:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise MissingNotification(
                f"{count} notifications should have been shown, but {self.count} were"
            ) from None

    async def _read(self, frames: AsyncIterator[dict[str, Any]]) -> None:
        with suppress(OSError, WebSocketException, httpx.HTTPError):
            async for frame in frames:
                if line := self._front_end.format_frame(frame):
                    self._show(line)
                    self.count += 1
                    self._moved.set()

    async def _socket(self) -> AsyncIterator[dict[str, Any]]:
        async with connect(
            web_socket_url(self._url),
            additional_headers=self._authorised,
            close_timeout=1,
            proxy=proxy_for(self._url),
        ) as socket:
            async for text in socket:
                yield json.loads(text)

    async def _stream(self) -> AsyncIterator[dict[str, Any]]:
        """Yield events as an EventSource does, which reconnects with the last id that it saw."""
        headers = self._authorised | ({"Last-Event-ID": self._last} if self._last else {})
        async with (
            httpx.AsyncClient(timeout=None, transport=proxied_transport(self._url)) as client,
            client.stream("GET", self._url, headers=headers) as response,
        ):
            response.raise_for_status()
            fields: dict[str, str] = {}
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                fields |= {name: value} if line else {}
                if not line and "data" in fields:
                    self._last = fields.get("id", self._last)
                    yield {"event": fields.get("event"), "data": json.loads(fields["data"])}
                fields = fields if line else {}

    @property
    def _authorised(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}
