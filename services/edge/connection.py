"""A connection: a cursor that moves through one person's log, and the frames it sends on its way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import uuid4

from contracts.cursor import Cursor, InvalidCursor
from services.edge import wire
from services.edge.edge import Edge
from services.edge.feed import Feed
from services.edge.log import Unreplayable
from services.edge.wire import Page
from services.runtime.auth import Identity
from services.runtime.errors import Unavailable

LIFETIME_OVER = 4100
DRAINING = 4101
UNAVAILABLE = 4102
TOO_MANY = 4104
TOKEN_OVER = 4002
BAD_FRAME = 4500
AWAY = "new notifications are late: the log cannot be reached; nothing is lost"


class Closed(Exception):
    """The connection ends: with a WebSocket close code and words; 4000 to 4499 mean come back, 4500 and above do not."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def cause(group: BaseExceptionGroup[Any]) -> BaseException:
    """The first of the errors that ended a task group."""
    first: Any = group.exceptions[0]
    return cause(cast("BaseExceptionGroup[Any]", first)) if isinstance(first, BaseExceptionGroup) else first


class Connection:
    """One tab or device of a person's."""

    def __init__(self, edge: Edge, identity: Identity, send: Callable[[Page], Awaitable[None]]) -> None:
        self._edge = edge
        self._identity = identity
        self._send = send
        self._log = edge.log
        self._at = 0
        self._live = False
        self._told_away = False
        self._pinged = False
        self.id = uuid4().hex

    @asynccontextmanager
    async def limited(self) -> AsyncGenerator[Feed]:
        """The person's feed, for as long as the connection may stay; raises Closed when that is over, or there are too many."""
        edge, person = self._edge, self._identity.person
        seconds, by_token = edge.lifetime(self._identity, time.time())
        self._lifetime = seconds
        feed = edge.feeds.join(person)
        edge.connections += 1
        try:
            self._check_limits(feed)
            async with asyncio.timeout(seconds):
                yield feed
        except TimeoutError:
            raise Closed(TOKEN_OVER, "the token has expired") if by_token else Closed(LIFETIME_OVER, "come back") from None
        finally:
            edge.connections -= 1
            edge.feeds.leave(feed)

    async def speak(self, feed: Feed, cursor: str | None) -> None:
        """Send frames without end, beginning after a cursor; raises Closed."""
        try:
            await feed.opened()
            await self._begin(cursor)
            await self._go_on(feed)
        except Unavailable as problem:
            await self._send(wire.error("unavailable", "the log cannot be read now", self._at, retry=True))
            raise Closed(UNAVAILABLE, "come back") from problem

    def ping(self, feed: Feed) -> None:
        """Have the next frame, if there is none to send, be a heartbeat; never one between a link and the next."""
        self._pinged = True
        feed.wake()

    async def _go_on(self, feed: Feed) -> None:
        beats = feed.beats
        while not self._edge.closing:
            page = await self._next(feed)
            if page:
                await self._send(page)
                self._at = page.cursor
            elif not self._live:
                self._live = True
                await self._send(wire.at("live", self._log.epoch, self._at))
            elif beats != feed.beats or self._pinged:
                beats, self._pinged = feed.beats, False
                await self._beat()
            else:
                await feed.wait()
        raise Closed(DRAINING, "come back")

    async def _begin(self, cursor: str | None) -> None:
        edge, log = self._edge, self._log
        reason, snapshot = None, None
        try:
            self._at = await log.check(Cursor.parse(cursor)) if cursor else 0
        except InvalidCursor:
            reason = "epoch"
        except Unreplayable as unreplayable:
            reason = str(unreplayable)
        if reason or not cursor:
            snapshot = await log.snapshot(self._identity.person)
            self._at = snapshot.cursor
        await self._send(wire.hello(log.epoch, self._at, self._identity.person, self.id, edge.settings.heartbeat_seconds, self._lifetime))
        if snapshot:
            await self._start_over(reason, snapshot)

    async def _start_over(self, reason: str | None, snapshot: Page) -> None:
        self._at = snapshot.cursor
        if reason:
            await self._send(wire.reset(reason, self._log.epoch, self._at))
        await self._send(snapshot)

    async def _next(self, feed: Feed) -> Page | None:
        try:
            return await feed.page(self._at)
        except Unreplayable as reason:
            await self._start_over(str(reason), await self._log.snapshot(self._identity.person))
            return None

    async def _beat(self) -> None:
        if self._edge.away != self._told_away:
            self._told_away = self._edge.away
            if self._told_away:
                await self._send(wire.error("late", AWAY, self._at, retry=False))
        await self._send(wire.at("heartbeat", self._log.epoch, self._at))

    def _check_limits(self, feed: Feed) -> None:
        settings = self._edge.settings
        if feed.readers > settings.connections_per_user:
            raise Closed(TOO_MANY, f"at most {settings.connections_per_user} connections for one user")
        if self._edge.connections > settings.connections_limit:
            raise Closed(TOO_MANY, f"at most {settings.connections_limit} connections here")
