"""One person's inbox in memory, by the same law as the rows: the counts of the edge, entry by entry, without a query."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Literal

from msgspec import Struct
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import Counts, Entry, Filter, Mark, Notification
from tidings.projections.belonging import Belonging

Kind = Literal["category", "type", "priority", "entity", "group", "list"]
"""What counts are taken by."""

NEVER = float("inf")
ABOUT_LIMIT = 16_384


class About(Struct, frozen=True, array_like=True, gc=False):
    """What notifications are chosen and counted by; those that agree in it share one."""

    category: str
    type: str
    priority: str
    entity: str | None
    group: str | None

    def fits(self, wanted: Filter) -> bool:
        """Whether it is of the kind that a filter takes."""
        return (
            wanted.category in (None, self.category)
            and wanted.type in (None, self.type)
            and wanted.entity in (None, self.entity)
            and wanted.group in (None, self.group)
        )


@lru_cache(maxsize=ABOUT_LIMIT)
def shared(about: About) -> About:
    """The one of those that are equal."""
    return about


class Standing(Struct, array_like=True, gc=False):
    """How one notification stands; `until` is when it vanishes by itself, in seconds since 1970."""

    id: str
    sequence: int
    until: float | None
    about: About
    seen: datetime | None = None
    read: datetime | None = None
    archived: datetime | None = None
    snoozed: datetime | None = None
    deleted: bool = False
    acted: str | None = None

    def held(self, now: float) -> bool:
        """Whether a client holds it at a moment: it can be seen and is not archived; it may be snoozed."""
        return not self.deleted and self.archived is None and now < (self.until or NEVER)

    def wakes(self, now: float) -> float | None:
        """When it comes back by itself, if it is snoozed at a moment."""
        until = self.snoozed.timestamp() if self.snoozed else 0.0
        return until if until > now else None

    def stands(self, mark: Mark) -> bool:
        """Whether it stands as a mark has left it, and that mark may have been the one."""
        match mark.state:
            case "read":
                return self.read == mark.at
            case "archived":
                return self.archived == mark.at
            case "unread":
                return self.read is None and not self.deleted
            case "deleted":
                return self.deleted
            case _:
                return False

    def marked(self, mark: Mark) -> None:  # noqa: C901  one decision, however many states
        """Take a mark on."""
        match mark.state:
            case "read":
                self.seen, self.read = self.seen or mark.at, self.read or mark.at
            case "unread":
                self.read = None
            case "seen":
                self.seen = self.seen or mark.at
            case "archived":
                self.archived, self.snoozed = self.archived or mark.at, None
            case "unarchived":
                self.archived = None
            case "snoozed":
                self.archived, self.snoozed = None, mark.until
            case "unsnoozed":
                self.snoozed = None
            case "deleted":
                self.deleted = True
            case "acted":
                self.acted = self.acted or mark.action


class Inbox:
    """A person's newest notifications (`limit`, kept for `retention_seconds`) after a sequence of their log, with their counts.

    `belonging` says which entries of topics are theirs too.
    """

    __slots__ = (
        "_counts",
        "_limit",
        "_retention",
        "_standings",
        "_valid_until",
        "belonging",
        "sequence",
    )

    def __init__(
        self,
        limit: int,
        retention_seconds: float,
        standings: Iterable[Standing] = (),
        sequence: int = 0,
        belonging: Belonging | None = None,
    ) -> None:
        self._limit = limit
        self._retention = retention_seconds
        self._standings = {
            standing.id: standing
            for standing in sorted(standings, key=lambda standing: standing.sequence)
        }
        for standing in self._standings.values():
            standing.about = shared(standing.about)
        self.sequence = sequence
        self.belonging = belonging or Belonging()
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

    def counts_by(self, kind: Kind, now: float) -> dict[str, Counts]:
        """The counts at a moment of each category, type, priority, entity or group that there is; or of each list."""
        if kind == "list":
            return self._counts_by_list(now)
        found: dict[str, list[Standing]] = {}
        for each in self.listed(now):
            if value := getattr(each.about, kind):
                found.setdefault(value, []).append(each)
        return {value: counts_of(standings) for value, standings in sorted(found.items())}

    def until(self, now: float) -> float:
        """Up to when the counts of a moment hold if nothing happens: then one vanishes, or one that is snoozed comes back."""
        self.counts(now)
        return self._valid_until

    def visible(self, identifier: str, now: float) -> Standing | None:
        """How a notification stands, if it can still be seen at a moment."""
        standing = self._standings.get(identifier)
        return (
            standing
            if standing and not standing.deleted and now < (standing.until or NEVER)
            else None
        )

    @property
    def told(self) -> int:
        """The sequence of the newest notification, 0 without one."""
        return next(reversed(self._standings.values())).sequence if self._standings else 0

    def overtook(self, sequence: int) -> bool:
        """Whether some of what came after a sequence may be kept no longer: as many as are kept came after it."""
        if len(self._standings) < self._limit:
            return False
        return next(iter(self._standings.values())).sequence > sequence

    def touched(self, mark: Mark) -> list[str]:
        """The ids that a mark read, archived, deleted or made unread, once it has been taken on; or some more, which stand so too."""
        return [*mark.ids] or [each.id for each in self._fitting(mark) if each.stands(mark)]

    def newest(self, count: int, now: float) -> list[Standing]:
        """Up to so many of those held at a moment, newest first."""
        return list(
            islice((each for each in reversed(self._standings.values()) if each.held(now)), count)
        )

    def listed(self, now: float) -> list[Standing]:
        """All that are in the list at a moment."""
        return [each for each in self._standings.values() if each.held(now) and not each.wakes(now)]

    def _counts_by_list(self, now: float) -> dict[str, Counts]:
        shown = [each for each in self._standings.values() if self.visible(each.id, now)]
        archived = [each for each in shown if each.archived]
        snoozed = [each for each in shown if not each.archived and each.wakes(now)]
        return {
            "all": self.counts(now),
            "archived": counts_of(archived),
            "snoozed": counts_of(snoozed),
        }

    def _notified(self, notification: Notification, sequence: int, appended: float) -> None:
        expires = notification.expires.timestamp() if notification.expires else NEVER
        until = min(expires, appended + self._retention)
        known = self._standings.pop(notification.id, None)
        self._standings[notification.id] = Standing(
            notification.id, sequence, until, _about(notification)
        )
        if known or self._counts is None or until <= appended:
            self._counts = None
        else:
            self._counts = Counts(
                unread=self._counts.unread + 1,
                unseen=self._counts.unseen + 1,
                total=self._counts.total + 1,
            )
            self._valid_until = min(self._valid_until, until)
        while len(self._standings) > self._limit:
            self._forget(self._standings.pop(next(iter(self._standings))))

    def _forget(self, oldest: Standing) -> None:
        """Count one less, if it was counted: what vanishes before the counts lapse had vanished when they were taken."""
        known = self._counts
        if (
            known is None
            or oldest.deleted
            or oldest.archived
            or (oldest.until or NEVER) < self._valid_until
        ):
            return
        if oldest.snoozed:
            self._counts = None
        else:
            unread, unseen = (
                known.unread - (oldest.read is None),
                known.unseen - (oldest.seen is None),
            )
            self._counts = Counts(unread=unread, unseen=unseen, total=known.total - 1)

    def _named(self, mark: Mark) -> Iterator[Standing]:
        unread = mark.filter is not None and mark.filter.unread
        return (
            each for each in self._fitting(mark) if not each.deleted and not (unread and each.read)
        )

    def _fitting(self, mark: Mark) -> Iterator[Standing]:
        if mark.filter:
            fitting = mark.filter
            return (
                standing for standing in self._standings.values() if standing.about.fits(fitting)
            )
        if mark.up_to:
            last = Cursor.parse(mark.up_to).sequence
            return (standing for standing in self._standings.values() if standing.sequence <= last)
        return (
            standing for identifier in mark.ids if (standing := self._standings.get(identifier))
        )

    def _count(self, now: float) -> Counts:
        held = [each for each in self._standings.values() if each.held(now)]
        wakes = [when for each in held if (when := each.wakes(now))]
        self._valid_until = min([each.until or NEVER for each in held] + wakes, default=NEVER)
        return counts_of([each for each in held if not each.wakes(now)] if wakes else held)


def counts_of(listed: Collection[Standing]) -> Counts:
    """How many these are."""
    return Counts(
        unread=sum(each.read is None for each in listed),
        unseen=sum(each.seen is None for each in listed),
        total=len(listed),
    )


def _about(notification: Notification) -> About:
    entity = notification.entity
    return shared(
        About(
            notification.category,
            notification.type,
            notification.priority,
            entity and entity.name,
            notification.group,
        )
    )
