"""A feed: what one connected person's tabs and devices share, so that each entry is counted and encoded once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from contracts.codec import decode_entry
from contracts.subjects import Person
from projections.standing import Inbox
from services.edge.log import Log
from services.edge.wire import Page
from services.runtime.follow import Message


class Feed:
    """A person's log from now on. `head` is up to where it is complete; waiting readers are woken when that moves."""

    def __init__(self, log: Log, person: Person) -> None:
        self._log = log
        self._waiting: list[asyncio.Future[None]] = []
        self._page: Page | None = None
        self._page_after = -1
        self._opening: asyncio.Task[None] | None = None
        self._inbox: Inbox | None = None
        self.person = person
        self.subject = log.subject(person)
        self.head = 0
        self.beats = 0
        self.due = 0.0
        self.readers = 0

    async def opened(self) -> None:
        """Wait until everything of the person's is known; raises Unavailable."""
        if self._inbox is None:
            if self._opening is None:
                self._opening = asyncio.create_task(self._open())
            await asyncio.shield(self._opening)

    @property
    def inbox(self) -> Inbox:
        """How everything of the person's stands at `head`."""
        assert self._inbox, "a feed is opened before it is read"
        return self._inbox

    def arrived(self, message: Message) -> None:
        """Take the next entry on, if it is known what came before it."""
        if self._inbox is not None:
            self._inbox.apply(decode_entry(message.data), message.sequence, message.time_nanoseconds)
            self.head = max(self.head, message.sequence)

    def beat(self, head: int) -> None:
        """The feed is complete up to the head of the stream: a reader that has nothing new to send sends that."""
        if self._inbox is not None:
            self.head = max(self.head, head)
            self.beats += 1
            self.wake()

    def wake(self) -> None:
        """Let every waiting reader look again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self) -> None:
        """Wait to be woken."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    async def page(self, after: int) -> Page | None:
        """The next link after a sequence, None if there is none yet; raises Unreplayable or Unavailable."""
        if after >= self.head:
            return None
        if self._page is None or self._page_after != after or self._page.cursor < self.head:
            self._page = await self._next(after)
            self._page_after = after
        return self._page

    async def _next(self, after: int) -> Page:
        found = self._log.ring.after(self.subject, after)
        if found is None:
            return await self._log.page(self.person, after, self.inbox)
        return self._log.link(after, [message for message in found if message.sequence <= self.head], self.inbox, self.head)

    async def _open(self) -> None:
        try:
            found = await self._log.inbox(self.person)
            self.head = max(found.sequence, self._log.ring.head)
            self._inbox = found
        finally:
            self._opening = None


class Feeds:
    """The feeds of everybody connected, by subject."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._feeds: dict[str, Feed] = {}

    def join(self, person: Person) -> Feed:
        """The feed of a person, for one more reader, who leaves it again."""
        feed = self._feeds.get(self._log.subject(person))
        if feed is None:
            feed = Feed(self._log, person)
            self._feeds[feed.subject] = feed
        feed.readers += 1
        return feed

    def leave(self, feed: Feed) -> None:
        """One reader less; the last one takes the feed along."""
        feed.readers -= 1
        if feed.readers == 0:
            del self._feeds[feed.subject]

    def arrived(self, batch: list[Message]) -> None:
        """Hand a batch of entries to those concerned."""
        touched: dict[str, Feed] = {}
        for message in batch:
            if feed := self._feeds.get(message.subject):
                feed.arrived(message)
                touched[message.subject] = feed
        for feed in touched.values():
            feed.wake()

    def each(self, choose: Callable[[Feed], bool] = lambda _: True) -> list[Feed]:
        """The feeds that fit."""
        return [feed for feed in self._feeds.values() if choose(feed)]
