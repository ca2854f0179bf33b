"""One person's inbox in memory, by the same law as the rows: the counts of the edge, entry by entry, without a query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from msgspec import Struct

from contracts.cursor import Cursor
from contracts.notifications import Counts, Entry, Mark, Notification

NEVER = float("inf")


class Standing(Struct, array_like=True):
    """How one notification stands; `until` is when it vanishes by itself, in seconds since 1970."""

    id: str
    sequence: int
    until: float | None
    seen: datetime | None = None
    read: datetime | None = None
    archived: datetime | None = None
    deleted: bool = False

    @property
    def listed(self) -> bool:
        """Whether it would be in the list, if its time has not come."""
        return not self.deleted and self.archived is None

    def marked(self, mark: Mark) -> None:
        """Take a mark on."""
        match mark.state:
            case "read":
                self.seen, self.read = self.seen or mark.at, self.read or mark.at
            case "unread":
                self.read = None
            case "seen":
                self.seen = self.seen or mark.at
            case "archived":
                self.archived = self.archived or mark.at
            case "unarchived":
                self.archived = None
            case "deleted":
                self.deleted = True


class Inbox:
    """A person's newest notifications (`limit`, kept for `retention_seconds`) after a sequence of their log, with their counts."""

    def __init__(self, limit: int, retention_seconds: float, standings: Iterable[Standing] = (), sequence: int = 0) -> None:
        self._limit = limit
        self._retention = retention_seconds
        self._standings = {standing.id: standing for standing in sorted(standings, key=lambda standing: standing.sequence)}
        self.sequence = sequence
        self._counts: Counts | None = None
        self._valid_until = NEVER

    def apply(self, entry: Entry, sequence: int, time_nanoseconds: int) -> None:
        """Take the next entry of the log on; one that was taken on before changes nothing."""
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        match entry:
            case Notification():
                self._notified(entry, sequence, time_nanoseconds / 1e9)
            case Mark():
                self._counts = None
                for standing in self._named(entry):
                    standing.marked(entry)

    def counts(self, now: float) -> Counts:
        """The counts at a moment, in seconds since 1970."""
        if self._counts is None or now >= self._valid_until:
            self._counts = self._count(now)
        return self._counts

    def visible(self, identifier: str, now: float) -> Standing | None:
        """How a notification stands, if it can still be seen at a moment."""
        standing = self._standings.get(identifier)
        return standing if standing and not standing.deleted and now < (standing.until or NEVER) else None

    def newest(self, count: int, now: float) -> list[Standing]:
        """Up to so many of those listed at a moment, newest first."""
        listed = (each for each in reversed(self._standings.values()) if each.listed and now < (each.until or NEVER))
        return list(islice(listed, count))

    def _notified(self, notification: Notification, sequence: int, appended: float) -> None:
        expires = notification.expires.timestamp() if notification.expires else NEVER
        until = min(expires, appended + self._retention)
        known = self._standings.pop(notification.id, None)
        self._standings[notification.id] = Standing(notification.id, sequence, until)
        if known or len(self._standings) > self._limit or self._counts is None or until <= appended:
            self._counts = None
            self._forget()
            return
        self._counts = Counts(unread=self._counts.unread + 1, unseen=self._counts.unseen + 1, total=self._counts.total + 1)
        self._valid_until = min(self._valid_until, until)

    def _forget(self) -> None:
        while len(self._standings) > self._limit:
            del self._standings[next(iter(self._standings))]

    def _named(self, mark: Mark) -> Iterator[Standing]:
        if mark.up_to:
            last = Cursor.parse(mark.up_to).sequence
            return (standing for standing in self._standings.values() if standing.sequence <= last and not standing.deleted)
        return (standing for identifier in mark.ids if (standing := self._standings.get(identifier)) and not standing.deleted)

    def _count(self, now: float) -> Counts:
        listed = [each for each in self._standings.values() if each.listed and now < (each.until or NEVER)]
        self._valid_until = min((each.until or NEVER for each in listed), default=NEVER)
        return Counts(
            unread=sum(each.read is None for each in listed),
            unseen=sum(each.seen is None for each in listed),
            total=len(listed),
        )
