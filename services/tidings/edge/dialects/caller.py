"""A caller: a connection that speaks a dialect.

Without a cursor it begins where its user has been sent everything, with what is unread of what came since; it never starts over.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.contracts.frames import Entries
from tidings.contracts.notifications import Counts
from tidings.edge import wire
from tidings.edge.connection import Connection
from tidings.edge.dialects import translation
from tidings.edge.dialects.dialect import Dialect, Said
from tidings.edge.dialects.sent import Sent
from tidings.edge.edge import Edge
from tidings.edge.log import Unreplayable
from tidings.edge.wire import Page
from tidings.runtime.auth import Identity

Message = dict[str, Any]
Chosen = Callable[[Said], bool]


class Form(NamedTuple):
    """How a transport writes frames; `cursors`: whether it tells cursors; `key` stands for what is the same for all tabs of a person."""

    key: str
    write: Callable[[Iterable[Said], Cursor | None], list[Message]]
    transmit: Callable[[Any], Awaitable[None]]
    cursors: bool


class Caller(Connection):
    """Says each link of the chain in its dialect, once for all tabs of its user that speak it too."""

    __slots__ = ("_dialect", "_form", "_fresh", "_known", "_sent_to", "chosen")

    def __init__(
        self, edge: Edge, identity: Identity, dialect: Dialect, form: Form, sent: Sent
    ) -> None:
        super().__init__(edge, identity, self._say)
        self._dialect = dialect
        self._form = form
        self._sent_to = sent
        self._fresh = False
        self._known = 0
        self.chosen: Chosen | None = None

    def answer(self, *said: Said) -> None:
        """Say something between two links."""
        for each in said:
            self.say(Page("said", translation.body(each, None)))

    async def counts(self) -> Counts:
        """How many there are; raises Unavailable."""
        await self._feed.opened()
        return self._feed.inbox.counts(time.time())

    async def has(self, identifier: str) -> bool:
        """Whether the user has such a notification; raises Unavailable."""
        await self._feed.opened()
        return self._feed.inbox.visible(identifier, time.time()) is not None

    async def _speak(self, cursor: str | None) -> None:
        await self._feed.opened()
        self.at = await self._place(cursor)
        await self._sent(
            wire.hello(
                self.at,
                self.identity.person,
                self.id,
                self._edge.settings.heartbeat_seconds,
                self._term.seconds,
            )
        )
        await self._catch_up()

    async def _place(self, cursor: str | None) -> Cursor:
        """Where to begin: at the cursor, if it is one of this log."""
        with suppress(InvalidCursor, Unreplayable):
            if cursor:
                return await self._edge.log.check(Cursor.parse(cursor))
        self._fresh = True
        here = max((tab.at.sequence for tab in self._feed.tabs if tab.live), default=0)
        return Cursor(
            self._edge.log.epoch, max(here, await self._sent_to.up_to(self.identity.person))
        )

    async def _page(self) -> Page | None:
        return await self._feed.page(self.at, whole=False)

    def _nothing_more(self) -> Page | None:
        """At the head for the first time, it says how many there are."""
        if self._live:
            return super()._nothing_more()
        self._live, self._fresh = True, False
        return wire.entries(self.at, self.at, [], self._feed.inbox.counts(time.time()))

    async def _say(self, page: Page) -> None:
        if page.type != "entries":
            for message in self._aside(page):
                await self._form.transmit(message)
            return
        first = self._form.key not in page.renderings
        for message in self._entries(page):
            await self._form.transmit(message)
        if first and page.cursor:
            self.at = page.cursor
            self._note_sent()

    def _aside(self, page: Page) -> list[Message]:
        match page.type:
            case "hello":
                return self._spelled(
                    self._dialect.greeted(self.identity.person.user, self.id), page.cursor
                )
            case "heartbeat":
                return self._spelled(self._dialect.beat(), page.cursor)
            case "said":
                return [{"type": "websocket.send", "text": page.body.decode()}]
            case _:
                return []

    def _entries(self, page: Page) -> list[Message]:
        """A link in its dialect, once for all tabs to which it says the same."""
        if not self.at.until:
            self._known = self.at.sequence
        if self._fresh or self.chosen or self.at.until:
            return self._translated(page)
        messages = page.renderings.get(self._form.key)
        if messages is None:
            messages = page.renderings[self._form.key] = (
                self._live_link(page) if page.told else self._translated(page)
            )
        return messages

    def _live_link(self, page: Page) -> list[Message]:
        assert page.told
        return self._spelled(
            translation.live(self._dialect, page.told, self._feed.inbox, self.identity.person.user),
            page.cursor,
        )

    def _translated(self, page: Page) -> list[Message]:
        frame: Entries = translation.entries(page.body)
        if self._fresh:
            frame = translation.unsent(frame, self._feed.inbox)
        told = translation.said(self._dialect, frame, self._feed.inbox, self._known)
        return self._spelled(filter(self.chosen, told) if self.chosen else told, page.cursor)

    def _spelled(self, told: Iterable[Said], cursor: Cursor | None) -> list[Message]:
        plain = cursor if cursor and not cursor.until and self._form.cursors else None
        return self._form.write(told, plain)
