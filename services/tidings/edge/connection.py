"""A connection: a cursor that moves through one person's log, and the frames it sends on its way.

It has a task of its own only while it is behind; at the head of its feed, the feed writes to it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any
from uuid import uuid4

from tidings.contracts.closing import Code
from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.contracts.notifications import SENT
from tidings.edge import wire
from tidings.edge.eager import start
from tidings.edge.edge import Edge
from tidings.edge.log import Unreplayable
from tidings.edge.term import Term
from tidings.edge.wire import Page
from tidings.runtime.access import REVOKED
from tidings.runtime.auth import Identity
from tidings.runtime.errors import Unavailable

ASIDES_LIMIT = 200
LAG_LIMIT_ASIDES = 20
AWAY = "new notifications are late: the log cannot be reached; nothing is lost"

log = logging.getLogger("tidings.edge")


class Closed(Exception):
    """The connection ends: with a close code and words."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Gone(Exception):
    """The client has closed the connection."""


class Connection:
    """One tab or device of a person's."""

    __slots__ = (
        *(
            "_asides",
            "_counted",
            "_edge",
            "_ended",
            "_feed",
            "_limit",
            "_live",
            "_nudging",
            "_pinged",
            "_send",
            "_term",
            "_told_away",
            "_writing",
        ),
        *("at", "device", "id", "identity"),
    )

    def __init__(
        self,
        edge: Edge,
        identity: Identity,
        send: Callable[[Page], Coroutine[Any, Any, None]],
        device: str | None = None,
    ) -> None:
        self._edge = edge
        self._send = send
        self._asides: list[Page] = []
        self._writing: asyncio.Task[None] | None = None
        self._ended: Closed | None = None
        self._nudging: asyncio.TimerHandle | None = None
        self._live = False
        self._counted = False
        self._told_away = False
        self._pinged = False
        self.identity = identity
        self.id = uuid4().hex
        self.device = device or self.id
        self.at = Cursor(edge.log.epoch, 0)

    async def run(
        self, cursor: str | None, listen: Callable[[Connection], Awaitable[None]]
    ) -> None:
        """Send frames, from a cursor on, and listen; raises Closed, or what `listen` raises."""
        edge, person = self._edge, self.identity.person
        self._term = Term(edge.lifetime_seconds(), self.identity)
        self._feed = edge.feeds.join(person, self)
        edge.company.join(person, self)
        try:
            self._check_limits()
            async with asyncio.timeout_at(self._term.ends) as self._limit:
                self._expect_nudge()
                self._writing = asyncio.create_task(self._until_done(partial(self._speak, cursor)))
                await listen(self)
        except TimeoutError:
            over = self._term.over
            raise self._ended or Closed(
                over, "the token has expired" if over == Code.TOKEN_OVER else "come back"
            ) from None
        finally:
            self._note_sent()
            edge.feeds.leave(self._feed, self)
            edge.company.leave(person, self)
            if self._writing:
                self._writing.cancel()
            if self._nudging:
                self._nudging.cancel()

    @property
    def live(self) -> bool:
        """Whether it has come to the head."""
        return self._live

    def renew(self, identity: Identity) -> None:
        """Go on with a newer token of the same person; raises Closed."""
        if identity.person != self.identity.person:
            raise Closed(Code.BAD_FRAME, "the token is for somebody else; connect anew with it")
        self.identity = identity
        self._term.renew(identity)
        if self._ended is None:
            self._limit.reschedule(self._term.ends)
        self._expect_nudge()

    def check(self) -> None:
        """End, if the token has been revoked."""
        if self._edge.access.revocations.concern(self.identity):
            self.end(Closed(Code.TOKEN_OVER, REVOKED))

    def offer(self, page: Page, after: Cursor) -> bool:
        """The feed's next frame, for whoever stands at its head; who is behind reads on by itself."""
        if self._writing is None and self.at == after:
            self._write(page)
            return True
        self.go_on()
        return False

    def say(self, page: Page) -> None:
        """Send a frame that has nothing to do with the log, between two that have; a reader that leaves too many unread ends."""
        if self._writing is None:
            self._write(page)
        elif len(self._asides) < ASIDES_LIMIT:
            self._asides.append(page)
        else:
            self.end(Closed(Code.TOO_SLOW, "come back when you can read again"))

    def tell(self, page: Page) -> bool:
        """The same for what a reader that lags may do without; False if it does."""
        if self._writing and len(self._asides) >= LAG_LIMIT_ASIDES:
            return False
        self.say(page)
        return True

    def go_on(self) -> None:
        """Read on from the log."""
        if self._writing is None:
            self._writing = asyncio.create_task(self._until_done(self._catch_up))

    def beat(self, away: bool) -> None:
        """Say where the client should stand by now, and once, if so, that what is new may be late."""
        if away and not self._told_away:
            self.say(wire.error("late", AWAY, retry=False))
        self._told_away = away
        if self._writing is None:
            self._write(wire.at("heartbeat", self.at))

    def ping(self) -> None:
        """Answer with a heartbeat, once there is nothing else to send."""
        self._pinged = True
        self.go_on()

    def ack(self, text: str) -> None:
        """The client has everything up to a cursor; in the middle of a replay that says nothing yet."""
        cursor = Cursor.parse(text)
        if cursor.epoch != self.at.epoch or cursor.reaches > self.at.reaches:
            self.say(
                wire.error(
                    "ack", "a cursor that was not sent here cannot be acknowledged", retry=False
                )
            )
        elif not cursor.until:
            self._edge.ack(self.identity.person, self.device, cursor)

    def move(self, after_seconds: float) -> None:
        """Have the client come back in a while, and end then."""
        self.say(wire.move(int(after_seconds * 1000)))
        self.end(Closed(Code.DRAINING, "come back"), after_seconds)

    def end(self, reason: Closed, after_seconds: float = 0) -> None:
        """End, now or in a while."""
        if self._ended is None or after_seconds == 0:
            self._ended = reason
            until = asyncio.get_running_loop().time() + after_seconds
            if not self._limit.expired():
                self._limit.reschedule(min(until, self._limit.when() or until))

    def _write(self, page: Page) -> None:
        """Write a frame at once; if the client reads too slowly for that, from here on in a task."""
        try:
            remainder = start(self._send(page))
        except Exception as error:
            self._failed(error)
            return
        self._passed(page)
        if remainder:
            self._writing = asyncio.create_task(self._until_done(partial(self._finish, remainder)))

    async def _until_done(self, writing: Callable[[], Awaitable[None]]) -> None:
        """A task of this connection's, whose failure ends it."""
        try:
            await writing()
            self._writing = None
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        match error:
            case TimeoutError():
                self.end(Closed(Code.TOO_SLOW, "come back when you can read again"))
            case OSError():
                pass  # the client is gone, which `listen` sees too
            case Unavailable():
                self._writing = None
                self.say(wire.error("unavailable", "the log cannot be read now", retry=True))
                self.end(Closed(Code.UNAVAILABLE, "come back"))
            case _:
                log.error("a connection failed", exc_info=error)
                self.end(Closed(Code.UNAVAILABLE, "come back"))

    async def _finish(self, sending: Awaitable[None]) -> None:
        async with asyncio.timeout(self._edge.settings.send_seconds):
            await sending
        await self._catch_up()

    async def _speak(self, cursor: str | None) -> None:
        await self._begin(cursor)
        await self._early()
        await self._feed.opened()
        await self._catch_up()

    async def _early(self) -> None:
        """Send what can be sent before it is known how everything stands, which others may be asking too."""
        while page := self._feed.early(self.at):
            await self._sent(page)

    async def _catch_up(self) -> None:
        """Send what there is to send until there is nothing more; from then on the feed writes."""
        while page := await self._next():
            await self._sent(page)

    async def _next(self) -> Page | None:
        if self._asides:
            return self._asides.pop(0)
        try:
            page = await self._page()
        except Unreplayable as reason:
            return await self._start_over(str(reason))
        if page:
            return page
        return self._nothing_more()

    async def _page(self) -> Page | None:
        """The next link of the chain, if there is one yet."""
        return await self._feed.page(self.at)

    def _nothing_more(self) -> Page | None:
        """What there is to say at the head; the counts too, if no frame brought them: a replay was cut short, or a snooze ended."""
        if not self._counted and self.at == self._feed.cursor:
            return self._feed.counted()
        if not self._live:
            self._live = True
            return wire.at("live", self.at)
        if self._pinged:
            self._pinged = False
            return wire.at("heartbeat", self.at)
        return None

    async def _sent(self, page: Page) -> None:
        async with asyncio.timeout(self._edge.settings.send_seconds):
            await self._send(page)
        self._passed(page)

    def _passed(self, page: Page) -> None:
        """The client has a frame: where it stands by that, and whether it knows the counts there."""
        self.at = page.cursor or self.at
        if page.type in ("entries", "snapshot"):
            self._counted = not page.more

    async def _begin(self, cursor: str | None) -> None:
        """Say hello, and begin afresh with a snapshot if there is no cursor to go on from."""
        reason = None
        try:
            self.at = await self._edge.log.check(Cursor.parse(cursor)) if cursor else self.at
        except InvalidCursor:
            reason = "epoch"
        except Unreplayable as unreplayable:
            reason = str(unreplayable)
        await self._sent(
            wire.hello(
                self.at,
                self.identity.person,
                self.id,
                self._edge.settings.heartbeat_seconds,
                self._term.seconds,
            )
        )
        if reason or not cursor:
            await self._sent(await self._start_over(reason))

    async def _start_over(self, reason: str | None) -> Page:
        """A snapshot, after a reset with the reason if there is one; until it has the snapshot, the client stands at the beginning."""
        if reason:
            await self._sent(wire.reset(reason, Cursor(self._edge.log.epoch, 0)))
        return await self._edge.log.snapshot(self.identity.person)

    def _note_sent(self) -> None:
        """Whatever has been sent on one connection need not be sent on another because nobody was there."""
        if not self.at.until:
            self._edge.acks.take(self.identity.person, SENT, min(self.at.sequence, self._feed.told))

    def _expect_nudge(self) -> None:
        """Have the client told in time that its token ends, if it is that which ends first."""
        if self._nudging:
            self._nudging.cancel()
        ends_first = self._term.over == Code.TOKEN_OVER
        self._nudging = (
            asyncio.get_running_loop().call_at(self._term.nudge_at, self._nudge)
            if ends_first
            else None
        )

    def _nudge(self) -> None:
        self.say(wire.token_expiring(self._term.token_seconds))

    def _check_limits(self) -> None:
        settings = self._edge.settings
        if self._edge.access.revocations.concern(self.identity):
            raise Closed(Code.TOKEN_OVER, REVOKED)
        if len(self._feed.tabs) > settings.connections_per_user:
            raise Closed(
                Code.TOO_MANY, f"at most {settings.connections_per_user} connections for one user"
            )
        if self._edge.feeds.tabs > settings.connections_limit:
            raise Closed(Code.TOO_MANY, f"at most {settings.connections_limit} connections here")
        if self._edge.closing:
            raise Closed(Code.DRAINING, "come back")
