"""The log of a person: read from the ring, else from Postgres, else from the stream's tail; the reader never knows which."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from tidings.contracts.codec import decode_entry, encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import Entry, Notification
from tidings.contracts.streams import MARKS_PER_NOTIFICATION
from tidings.contracts.subjects import INBOXES, NOTIFICATIONS, Person, inbox, members_of, shared
from tidings.edge import wire
from tidings.edge.ring import Ring
from tidings.edge.rows import PAGE_BYTES, PAGE_ROWS, Answer, Question, Rows, Wanted
from tidings.edge.telling import personal
from tidings.edge.topical import Topical
from tidings.edge.wire import Page
from tidings.projections.belonging import Belonging
from tidings.projections.standing import Inbox
from tidings.runtime.errors import Unavailable
from tidings.runtime.follow import Message, state
from tidings.runtime.process import Runtime
from tidings.runtime.read import read

HEAD = 2**62


class Unreplayable(Exception):
    """A cursor that cannot be replayed; its text is the reason: expired, epoch or ahead."""


class Log:
    """Everybody's logs, as far as this edge has followed them."""

    def __init__(self, runtime: Runtime, ring: Ring) -> None:
        settings = runtime.settings
        self._jetstream = runtime.jetstream
        self._partitions = settings.partitions
        self._retention = timedelta(days=settings.retention_days)
        self._limit = settings.notifications_per_user
        self._rows = Rows(
            runtime.postgres, runtime.epochs[NOTIFICATIONS], self._retention, self._limit
        )
        self._snapshot_rows = settings.snapshot_limit
        self.epoch = runtime.epochs[NOTIFICATIONS]
        self.ring = ring
        self.topical = Topical()

    def subject(self, person: Person) -> str:
        """Where a person's log lies."""
        return inbox(person, self._partitions)

    async def check(self, cursor: Cursor) -> Cursor:
        """A cursor, if it is of this stream; raises Unreplayable if it is of another one or lies ahead of it."""
        if cursor.epoch != self.epoch:
            raise Unreplayable("epoch")
        if (
            cursor.reaches > self.ring.head
            and cursor.reaches > (await state(self._jetstream, NOTIFICATIONS)).last
        ):
            raise Unreplayable("ahead")
        return cursor

    async def inbox(self, person: Person) -> Inbox:
        """How everything of a person's stands, as far as the ring reaches; raises Unavailable."""
        try:
            found = self._inbox(await self._rows.read(Question(person, Cursor(self.epoch, HEAD))))
        except Unavailable:
            found = Inbox(self._limit, self._retention.total_seconds())
        return await self._caught_up(person, found)

    async def snapshot(self, person: Person) -> Page:
        """A person's newest notifications, those not archived; of the stream itself if the rows are too far behind to go on from.

        Raises Unavailable.
        """
        try:
            answer = await self._rows.read(Question(person, None, self._snapshot_rows))
        except Unavailable:
            return await self._snapshot_of_tail(person)
        found, known = [wire.row(self.epoch, row) for row in answer.rows], self._inbox(answer)
        page = wire.snapshot(self._cursor(answer.checkpoint), found, known.counts(time.time()))
        overtaken = (await self._caught_up(person, known)).overtook(answer.checkpoint)
        return await self._snapshot_of_tail(person) if overtaken else page

    async def listing(self, person: Person, wanted: Wanted) -> bytes:
        """A list as JSON, at least as new as what this edge has seen; raises Unavailable."""
        answer = await self._listing(person, wanted)
        found = b",".join(wire.row(self.epoch, row) for row in answer.rows)
        following = encode(
            f"{self.epoch}-{answer.rows[-1].sequence}" if len(answer.rows) == wanted.limit else None
        )
        counts = encode(self._inbox(answer).counts(time.time()))
        cursor = encode(f"{self.epoch}-{answer.checkpoint}")
        return b'{"notifications":[%b],"counts":%b,"cursor":%b,"next":%b}' % (
            found,
            counts,
            cursor,
            following,
        )

    async def single(self, person: Person, identifier: str) -> bytes | None:
        """One of a person's notifications as JSON, whatever list it is in; raises Unavailable."""
        answer = await self._listing(person, Wanted(None, 1, {"id": identifier}))
        return wire.row(self.epoch, answer.rows[0]) if answer.rows else None

    def early(self, person: Person, after: Cursor) -> Page | None:
        """What the ring alone can tell after a cursor, before anything else of a person's is known: `more`, with the counts, follows."""
        found = (
            None
            if after.until or self.topical.has(person.tenant)
            else self.ring.after(self.subject(person), after.sequence)
        )
        if not found:
            return None
        known = Inbox(self._limit, self._retention.total_seconds())
        _apply(known, found)
        if known.overtook(after.sequence):
            return None
        return self.link(after, found, known, self.ring.head, more=True)

    async def page(
        self, person: Person, after: Cursor, known: Inbox, *, whole: bool = True
    ) -> Page:
        """What a person missed after a cursor, or the first part of it; if it need not be `whole`, what is still kept of that.

        Raises Unreplayable or Unavailable.
        """
        if whole and known.overtook(after.sequence):
            raise Unreplayable("expired")
        found = None if after.until else self.recent(person, known.belonging, after.sequence)
        if found is not None:
            return self.link(after, found, known, self.ring.head)
        try:
            answer = await self._rows.read(Question(person, after))
        except Unavailable:
            if after.until:  # what is still to come of the rows cannot be told from the stream
                raise
            return await self._tail(person, after, known, whole=whole, expirable=whole)
        if whole and after.sequence < answer.horizon:
            raise Unreplayable("expired")
        if after.reaches > answer.checkpoint and after.until:
            raise Unavailable("the rows are not yet where they were when the replay began")
        return (
            self._changed(after, answer)
            if after.until or after.sequence < answer.checkpoint
            else await self._tail(person, after, known, whole=whole)
        )

    def recent(self, person: Person, belonging: Belonging, after: int) -> list[Message] | None:
        """A person's entries after a sequence, their topics' among them; None if the ring does not reach that far back."""
        own = self.ring.after(self.subject(person), after)
        if own is None:
            return None
        found = personal(own, person, belonging)
        topics = belonging.after(after)
        if not topics:
            return found
        told = (
            message for topic in topics for message in self.ring.after(shared(topic), after) or ()
        )
        return personal([*found, *told], person, belonging)

    def link(
        self, after: Cursor, found: list[Message], known: Inbox, head: int, *, more: bool = False
    ) -> Page:
        """Entries of the log up to `head` as a frame, or as many as fit in one; what has vanished since is left out."""
        taken = _bounded(found)
        more = more or len(taken) < len(found)
        now = time.time()
        told = [
            wire.entry(self.epoch, message.sequence, message.data)
            for message in taken
            if stands(decode_entry(message.data), known, now)
        ]
        reached = taken[-1].sequence if len(taken) < len(found) else max(head, after.sequence)
        return wire.entries(after, self._cursor(reached), told, None if more else known.counts(now))

    def _changed(self, after: Cursor, answer: Answer) -> Page:
        """All that changed after a cursor, one row a notification, as it stands at the checkpoint, or the first part of it.

        A row that changes again moves behind the part, so whoever goes on from there must read on from the rows: the cursor says so.
        """
        known, now = self._inbox(answer), time.time()
        told = [wire.row(self.epoch, row) for row in answer.rows if known.visible(row.id, now)]
        gone = [row.id for row in answer.rows if row.deleted and row.sequence <= after.reaches]
        if gone:
            told.append(wire.deleted(self.epoch, answer.rows[-1].changed, gone, datetime.now(UTC)))
        return wire.entries(
            after, self._reached(answer), told, None if answer.more else known.counts(now)
        )

    def _reached(self, answer: Answer) -> Cursor:
        if not answer.more:
            return self._cursor(answer.checkpoint)
        return Cursor(
            self.epoch, answer.rows[-1].changed, answer.rows[-1].sequence, answer.checkpoint
        )

    async def _listing(self, person: Person, wanted: Wanted) -> Answer:
        def newest(belonging: Belonging) -> int:
            return max(
                map(self.ring.newest, (self.subject(person), *map(shared, belonging.topics)))
            )

        return await self._rows.listing(person, wanted, newest)

    async def _tail(
        self,
        person: Person,
        after: Cursor,
        known: Inbox,
        *,
        whole: bool = True,
        expirable: bool = False,
    ) -> Page:
        """The same from the stream itself: slower, and every entry by itself."""
        if expirable and after.sequence + 1 < await self._first():
            raise Unreplayable("expired")
        found, reached = await self._read(person, known.belonging, after.sequence)
        if whole and await self._evicted(person, known.belonging, after.sequence):
            raise Unreplayable("expired")
        return self.link(after, found, known, reached, more=reached < self.ring.head)

    async def _read(
        self, person: Person, belonging: Belonging, after: int
    ) -> tuple[list[Message], int]:
        """Some of a person's entries after a sequence, from the stream itself, and up to where these are all."""
        reached = self.ring.head  # before the reads: what arrives meanwhile may be missing in them
        found = await self._memberships(person, after)
        personal(found, person, belonging)
        for subject in (self.subject(person), *map(shared, belonging.after(after))):
            page = await read(self._jetstream, NOTIFICATIONS, subject, after=after)
            reached = min(reached, page[-1].sequence) if page and page[-1].following else reached
            found += page
        return [
            message for message in personal(found, person, belonging) if message.sequence <= reached
        ], reached

    async def _memberships(self, person: Person, after: int) -> list[Message]:
        found: list[Message] = []
        while page := await read(
            self._jetstream, NOTIFICATIONS, members_of(person, self._partitions), after=after
        ):
            found += page
            after = page[-1].sequence
        return found

    async def _evicted(self, person: Person, belonging: Belonging, after: int) -> bool:
        """Whether entries after a sequence may have given way to newer ones: a log is full, and begins behind it."""
        for subject in (self.subject(person), *map(shared, belonging.after(after))):
            first = await read(self._jetstream, NOTIFICATIONS, subject, after=0, limit=1)
            if (
                first
                and first[0].sequence > after + 1
                and first[0].following + 1 >= self._limit * MARKS_PER_NOTIFICATION
            ):
                return True
        return False

    async def _first(self) -> int:
        first = await read(self._jetstream, NOTIFICATIONS, INBOXES, after=0, limit=1)
        return first[0].sequence if first else 0

    async def _caught_up(self, person: Person, known: Inbox) -> Inbox:
        while (found := self.recent(person, known.belonging, known.sequence)) is None:
            page, reached = await self._read(person, known.belonging, known.sequence)
            _apply(known, page)
            known.sequence = max(known.sequence, reached)
        _apply(known, found)
        return known

    async def _snapshot_of_tail(self, person: Person) -> Page:
        known, reached, head = (
            Inbox(self._limit, self._retention.total_seconds()),
            0,
            self.ring.head,
        )
        bodies: dict[str, bytes] = {}
        while reached < head:
            page, reached = await self._read(person, known.belonging, reached)
            bodies |= {
                entry.id: message.data
                for message in page
                if isinstance(entry := decode_entry(message.data), Notification)
            }
            _apply(known, page)
        found = [
            wire.standing(self.epoch, each, bodies[each.id])
            for each in known.newest(self._snapshot_rows, time.time())
        ]
        return wire.snapshot(self._cursor(reached), found, known.counts(time.time()))

    def _cursor(self, sequence: int) -> Cursor:
        return Cursor(self.epoch, sequence)

    def _inbox(self, answer: Answer) -> Inbox:
        return Inbox(
            self._limit,
            self._retention.total_seconds(),
            answer.standings,
            answer.checkpoint,
            answer.belonging,
        )


def _apply(known: Inbox, found: list[Message]) -> None:
    for message in found:
        known.apply(decode_entry(message.data), message.sequence, message.time_nanoseconds)


def fits(found: list[Message]) -> bool:
    """Whether so many messages go into one frame."""
    return len(found) == 1 or len(_bounded(found)) == len(found)


def stands(entry: Entry, known: Inbox, now: float) -> bool:
    """Whether an entry can still be seen at a moment (seconds since 1970)."""
    return not isinstance(entry, Notification) or known.visible(entry.id, now) is not None


def _bounded(found: list[Message]) -> list[Message]:
    """As many messages as go into one frame."""
    size = 0
    for count, message in enumerate(found):
        size += len(message.data)
        if count and (count >= PAGE_ROWS or size > PAGE_BYTES):
            return found[:count]
    return found
