"""A feed: what one connected person's tabs and devices share, so that each entry is counted and encoded once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.subjects import Person, Topic, shared
from tidings.edge import wire
from tidings.edge.log import HEAD, Log, fits, stands
from tidings.edge.ring import home
from tidings.edge.telling import RoutedEntry, joins
from tidings.edge.wire import Page
from tidings.projections.standing import NEVER, Inbox
from tidings.runtime.follow import Message


class Tab(Protocol):
    """What a feed needs to know of a connection."""

    at: Cursor

    @property
    def live(self) -> bool:
        """Whether it has come to the head."""
        ...

    def offer(self, page: Page, after: Cursor) -> bool:
        """Take a frame, if the connection stands at the cursor that it follows; says whether it did."""
        ...

    def go_on(self) -> None:
        """Read on from the log, if it does not already."""
        ...

    def beat(self, away: bool) -> None:
        """Send a heartbeat."""
        ...

    def move(self, after_seconds: float) -> None:
        """Come back in a while."""
        ...

    def check(self) -> None:
        """End, if the token has been revoked."""
        ...


class Feed:
    """A person's log from now on, complete up to `cursor`; it writes to the tabs that stand there."""

    __slots__ = (
        *("_inbox", "_log", "_name", "_opened", "_opening", "_page", "_page_after", "_untold"),
        *("cursor", "due", "lapses", "person", "subject", "tabs"),
    )

    def __init__(self, log: Log, person: Person, opened: Callable[[Feed], None]) -> None:
        self._log = log
        self._opened = opened
        self._page: Page | None = None
        self._page_after: tuple[Cursor, bool] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._inbox: Inbox | None = None
        self._name = encode(person.user)
        self.person = person
        self.subject = log.subject(person)
        self.cursor = Cursor(log.epoch, 0)
        self.due = 0.0
        self.lapses = NEVER
        self._untold = False
        self.tabs: list[Tab] = []

    async def opened(self) -> None:
        """Wait until everything of the person's is known; raises Unavailable."""
        if self._inbox is None:
            if self._opening is None:
                self._opening = asyncio.create_task(self._open())
            await asyncio.shield(self._opening)

    @property
    def topics(self) -> Iterable[Topic]:
        """All topics that it may have read."""
        return self._inbox.belonging.topics if self._inbox else ()

    @property
    def inbox(self) -> Inbox:
        """How everything of the person's stands at `cursor`."""
        assert self._inbox, "a feed is opened before it is read"
        return self._inbox

    @property
    def newest(self) -> int:
        """The sequence of the newest entry, as far as that is known."""
        return self._inbox.sequence if self._inbox else HEAD

    @property
    def told(self) -> int:
        """The sequence of the newest notification, 0 without one or as long as that is not known."""
        return self._inbox.told if self._inbox else 0

    def joins(self, message: Message) -> Topic | None:
        """Take a membership on, if it is known what came before it; its topic."""
        return joins(message, self._inbox.belonging) if self._inbox else None

    def arrived(self, told: list[RoutedEntry]) -> Callable[[], None] | None:
        """Take the next entries on, if it is known what came before them; returns what hands them to the tabs.

        The two are apart because a write takes the processor's caches: whoever has many readers takes on first, for all.
        """
        known = self._inbox
        if known is None:
            return None
        for each in told:
            known.apply(each.entry, each.message.sequence, each.message.time_nanoseconds)
        if len(told) == 1 or (
            fits([each.message for each in told]) and not known.overtook(self.cursor.sequence)
        ):
            now = time.time()
            standing = [each for each in told if stands(each.entry, known, now)]
            return self._moved(told[-1].message.sequence, standing, now)
        self.cursor = Cursor(self._log.epoch, told[-1].message.sequence)
        self.lapses = known.until(time.time())
        return self._go_on

    def beat(self, head: int, away: bool) -> None:
        """The feed is complete up to the head of the stream: whoever has nothing new to send says that."""
        if self._inbox is None:
            return
        self._page = None
        if head > self.cursor.sequence:
            self._moved(head, [], time.time())()
        if self._untold:
            self.recount()
        for tab in self.tabs:
            tab.beat(away)

    def recount(self) -> None:
        """Tell the counts anew: what was snoozed is back, or what had a time has vanished; whoever is busy is told at the next beat."""
        self._page, page = None, self.counted()
        self.lapses = self.inbox.until(time.time())
        taken = [tab.offer(page, self.cursor) for tab in self.tabs]
        self._untold = not all(taken)

    def early(self, after: Cursor) -> Page | None:
        """The next link while it is not yet known how everything stands; None if that is known, or must be."""
        return self._log.early(self.person, after) if self._inbox is None else None

    def counted(self) -> Page:
        """The counts, for whoever stands here without them."""
        return wire.entries(self.cursor, self.cursor, [], self.inbox.counts(time.time()))

    async def page(self, after: Cursor, *, whole: bool = True) -> Page | None:
        """The next link after a cursor, None if there is none yet; if it need not be `whole`, of what is still kept.

        Raises Unreplayable or Unavailable.
        """
        if after.sequence >= self.cursor.sequence and not after.until:
            return None
        if (
            self._page is None
            or self._page_after != (after, whole)
            or not self._reaches(self._page)
        ):
            self._page = await self._next(after, whole)
            self._page_after = (after, whole)
        return self._page

    def _moved(self, head: int, told: list[RoutedEntry], now: float) -> Callable[[], None]:
        """Come to a sequence with the entries up to there; returns what says so to the tabs."""
        after, self.cursor = self.cursor, Cursor(self._log.epoch, head)
        counts = self.inbox.counts(now)
        page = wire.entries(after, self.cursor, [each.body(self._name) for each in told], counts)
        page.told = [each.entry for each in told], counts
        self.lapses = self.inbox.until(now)
        return partial(self._offer, page, after)

    def _offer(self, page: Page, after: Cursor) -> None:
        for tab in self.tabs:
            tab.offer(page, after)

    def _go_on(self) -> None:
        for tab in self.tabs:
            tab.go_on()

    def _reaches(self, page: Page) -> bool:
        return page.more or (
            page.cursor is not None and page.cursor.sequence >= self.cursor.sequence
        )

    async def _next(self, after: Cursor, whole: bool) -> Page:
        beyond = after.until or self.inbox.overtook(after.sequence)
        found = (
            None if beyond else self._log.recent(self.person, self.inbox.belonging, after.sequence)
        )
        head = self.cursor.sequence
        if found is None:
            return await self._log.page(self.person, after, self.inbox, whole=whole)
        return self._log.link(
            after, [message for message in found if message.sequence <= head], self.inbox, head
        )

    async def _open(self) -> None:
        try:
            found = await self._log.inbox(self.person)
            self.cursor = Cursor(self._log.epoch, max(found.sequence, self._log.ring.head))
            self._inbox = found
            self.lapses = found.until(time.time())
            self._opened(self)
        finally:
            self._opening = None


class Feeds:
    """The feeds of everybody connected, by subject, and which of them belong to which topic now; `tabs` says how many connections."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._feeds: dict[str, Feed] = {}
        self._readers: dict[str, dict[Feed, None]] = {}
        self._left = asyncio.Event()
        self.tabs = 0

    def join(self, person: Person, tab: Tab) -> Feed:
        """The feed of a person, for one more tab, which leaves it again."""
        feed = self.feed_of(person)
        if feed is None:
            feed = Feed(self._log, person, self._read_topics)
            self._feeds[feed.subject] = feed
        feed.tabs.append(tab)
        self.tabs += 1
        return feed

    def leave(self, feed: Feed, tab: Tab) -> None:
        """One tab less; the last one takes the feed along."""
        feed.tabs.remove(tab)
        self.tabs -= 1
        self._left.set()
        if not feed.tabs:
            del self._feeds[feed.subject]
            self._forget(feed)

    def feed_of(self, person: Person) -> Feed | None:
        """The feed of a person, if they are connected."""
        return self._feeds.get(self._log.subject(person))

    async def emptied(self) -> None:
        """Wait until nobody is connected."""
        while self.tabs:
            self._left.clear()
            await self._left.wait()

    def arrived(self, batch: list[Message]) -> None:
        """Hand a batch of entries to those concerned."""
        touched: dict[Feed, list[RoutedEntry]] = {}
        for message in batch:
            if message.subject.startswith("member."):
                self._member(message)
            elif feeds := self._concerned(message.subject):
                telling = RoutedEntry(self._log.epoch, message)
                for feed in feeds:
                    if telling.left_out != feed.person.user:
                        touched.setdefault(feed, []).append(telling)
        writes = [feed.arrived(tellings) for feed, tellings in touched.items()]
        for write in filter(None, writes):
            write()

    def _concerned(self, subject: str) -> Iterable[Feed]:
        feed = self._feeds.get(subject)
        return (feed,) if feed else self._readers.get(subject, ())

    def _member(self, message: Message) -> None:
        self._log.topical.saw(message)
        feed = self._feeds.get(home(message.subject))
        topic = feed.joins(message) if feed else None
        if feed and topic:
            self._read(feed, topic, message.sequence)

    def _read_topics(self, feed: Feed) -> None:
        """From now on, hand it what the topics say that its person belongs to."""
        if self._feeds.get(feed.subject) is feed:
            for topic in feed.topics:
                self._read(feed, topic, self._log.ring.head)

    def _read(self, feed: Feed, topic: Topic, after: int) -> None:
        readers = self._readers.setdefault(shared(topic), {})
        if feed.inbox.belonging.covers(topic, after + 1):
            readers[feed] = None
        else:
            readers.pop(feed, None)

    def _forget(self, feed: Feed) -> None:
        for topic in feed.topics:
            readers = self._readers.get(shared(topic), {})
            readers.pop(feed, None)
            if not readers:
                self._readers.pop(shared(topic), None)

    def of(self, person: Person) -> list[Tab]:
        """The tabs of a person."""
        feed = self.feed_of(person)
        return [*feed.tabs] if feed else []

    def each(self, choose: Callable[[Feed], bool] = lambda _: True) -> list[Feed]:
        """The feeds that fit."""
        return [feed for feed in self._feeds.values() if choose(feed)]
