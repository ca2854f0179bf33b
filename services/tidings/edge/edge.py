"""The edge itself: follows everybody's log into the ring, wakes whom it concerns, and keeps the heart beating."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import aclosing, suppress
from datetime import datetime
from urllib.parse import quote

from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import MarkOperation
from tidings.contracts.http import Appended
from tidings.contracts.subjects import NOTIFICATIONS, Person, followed
from tidings.edge.acks import Acks
from tidings.edge.company import Company
from tidings.edge.door import Door
from tidings.edge.feed import Feeds
from tidings.edge.log import Log
from tidings.edge.ring import OVERHEAD_BYTES, Ring
from tidings.runtime.access import Access
from tidings.runtime.append import Draft
from tidings.runtime.follow import follow, state
from tidings.runtime.process import Runtime
from tidings.runtime.read import last

BEAT_SECONDS = 0.5
TYPICAL_ENTRY_BYTES = 700
FOLLOW_MESSAGES = 500
SEEN_SECONDS = 1.0
COMING_BACK_PER_SECOND = 1000
LEAVE_SECONDS = 2.0


class Edge:
    """What all connections and requests share. Made by `open_edge`, alive while `run` runs."""

    def __init__(self, runtime: Runtime, ring: Ring, access: Access) -> None:
        self.settings = runtime.settings
        self.runtime = runtime
        self.log = Log(runtime, ring)
        self.feeds = Feeds(self.log)
        self.company = Company(runtime)
        self.access = access
        self.door = Door(runtime, access)
        self.closing = False
        self.caught_up = asyncio.Event()
        self._appender = runtime.appender()
        access.revoked = self._revoked
        self.acks = Acks(self._appender, self.log.epoch, runtime.settings.partitions)

    @property
    def away(self) -> bool:
        """Whether the log cannot be followed now."""
        return not self.runtime.jetstream.connected

    def lifetime_seconds(self) -> float:
        """For how long a connection may stay, each another time, so that those who came together do not come back together."""
        return self.settings.lifetime_seconds * random.uniform(0.8, 1.0)

    async def mark(self, person: Person, operation: MarkOperation, now: datetime) -> Cursor:
        """Append a mark to a person's own log and wait until it shows here; raises InvalidMark, Unreplayable or Unavailable."""
        body = operation.mark(now)
        if operation.up_to:
            await self.log.check(Cursor.parse(operation.up_to))
        identifier = f"mark/{self.log.subject(person)}/{operation.op}"
        appended = await self._appender.append(
            Draft(self.log.subject(person), encode(body), id=quote(identifier))
        )
        await self._seen(appended.sequence)
        return Cursor(self.log.epoch, appended.sequence)

    async def append(self, draft: Draft) -> Appended:
        """Append what was stated by pressing a button; raises Unavailable."""
        return await self._appender.append(draft)

    def ack(self, person: Person, device: str, cursor: Cursor) -> None:
        """A device has everything up to a cursor; of a log where nothing new came since, that is known already."""
        feed = self.feeds.feed_of(person)
        self.acks.take(
            person, device, min(cursor.sequence, feed.newest if feed else cursor.sequence)
        )

    async def drain(self) -> None:
        """Have every connection come back in a time slot of its own, to whoever answers then, and wait, with a limit, until all have."""
        self.closing = True
        tabs = [tab for feed in self.feeds.each() for tab in feed.tabs]
        random.shuffle(tabs)
        spread = min(self.settings.drain_seconds, len(tabs) / COMING_BACK_PER_SECOND)
        for place, tab in enumerate(tabs):
            tab.move(spread * place / len(tabs))
        with suppress(TimeoutError):
            async with asyncio.timeout(spread + LEAVE_SECONDS):
                await self.feeds.emptied()
        await self.acks.finish()

    async def run(self) -> None:
        """Follow and beat until cancelled; raises LogLost when the stream is another one."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._beat())
            group.create_task(self.company.run())
            group.create_task(self.acks.run())

    async def _follow(self) -> None:
        ring, jetstream = self.log.ring, self.runtime.jetstream
        subjects = followed(self.settings.served)
        newest = [await last(jetstream, NOTIFICATIONS, subject) for subject in subjects]
        target = max((found.sequence for found in newest if found), default=0)
        batches = follow(
            jetstream,
            NOTIFICATIONS,
            subjects,
            after=ring.floor,
            epoch=self.log.epoch,
            limit=FOLLOW_MESSAGES,
        )
        async with aclosing(batches):
            while True:
                if ring.head >= target:
                    self.caught_up.set()
                for message in (batch := await anext(batches)):
                    ring.add(message)
                self.feeds.arrived(batch)

    async def _beat(self) -> None:
        """Each person's heart beats in a time slot of its own, for all tabs at once."""
        loop = asyncio.get_running_loop()
        interval, away = self.settings.heartbeat_seconds, False
        while True:
            await asyncio.sleep(min(BEAT_SECONDS, interval / 4))
            now, changed, away = loop.time(), away != self.away, self.away
            for feed in self.feeds.each(lambda feed: changed or feed.due <= now):  # noqa: B023
                feed.due = now + interval if feed.due else now + random.uniform(0, interval)
                feed.beat(self.log.ring.head, away)
            clock = time.time()
            for feed in self.feeds.each(lambda feed: feed.lapses <= clock):  # noqa: B023
                feed.recount()

    def _revoked(self, person: Person) -> None:
        for tab in self.feeds.of(person):
            tab.check()

    async def _seen(self, sequence: int) -> None:
        """Wait, for a second at most, until the ring has come to a sequence."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SEEN_SECONDS
        while self.log.ring.head < sequence and loop.time() < until:  # noqa: ASYNC110  it comes in a moment or not at all
            await asyncio.sleep(0.002)


async def open_edge(runtime: Runtime, access: Access) -> Edge:
    """An edge whose ring begins as far back as it will hold; raises Unavailable."""
    head = (await state(runtime.jetstream, NOTIFICATIONS)).last
    room = runtime.settings.ring_bytes // (TYPICAL_ENTRY_BYTES + OVERHEAD_BYTES)
    edge = Edge(runtime, Ring(runtime.settings.ring_bytes, max(0, head - room)), access)
    await edge.log.topical.learn(runtime.postgres, edge.log.epoch, edge.log.ring.floor)
    return edge
