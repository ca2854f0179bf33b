"""HTTP: the bodies of requests and answers that are neither events nor frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct
from tidings.contracts.notifications import Counts, CursorText, Notification, NotificationId

RANGES_LIMIT = 1000


class Appended(NamedTuple):
    """Where a message stands in the stream, and whether it stood there already."""

    sequence: int
    duplicate: bool = False


class Receipt(Struct, kw_only=True):
    """What became of a request's events.

    `sequences` and `duplicates` are ranges `[first, last]`: of sequences in the log (in the order of the events), and of
    the events (from 1) which the log had already; past 1000 ranges the rest is left out and `truncated` is true.
    """

    events: int = 0
    appended: int = 0
    sequences: list[list[int]] = []
    duplicates: list[list[int]] = []
    truncated: bool = False

    def add(self, placed: Iterable[Appended]) -> None:
        """Take the next events down."""
        for appended in placed:
            self.events += 1
            self.appended += not appended.duplicate
            self._extend(self.sequences, appended.sequence)
            if appended.duplicate:
                self._extend(self.duplicates, self.events)

    def placed(self) -> list[Appended]:
        """The same, event by event; of up to 1000 events, nothing is left out."""
        known = set(_each(self.duplicates))
        return [
            Appended(sequence, place in known)
            for place, sequence in enumerate(_each(self.sequences), 1)
        ]

    def _extend(self, ranges: list[list[int]], number: int) -> None:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        elif len(ranges) < RANGES_LIMIT:
            ranges.append([number, number])
        else:
            self.truncated = True


class Listing(Struct, frozen=True, kw_only=True):
    """A page of notifications, newest first; `next` is the `before` of the following page, null on the last one."""

    notifications: tuple[Notification, ...]
    counts: Counts
    cursor: CursorText
    next: CursorText | None


class CountsBy(Counts, frozen=True, kw_only=True):
    """How many notifications a person has: in all, and by each of the kinds asked for, for every value that there is."""

    by: dict[str, dict[str, Counts]] | None = None


class Marked(Struct, frozen=True, kw_only=True):
    """A mark was appended; `cursor` is where its entry stands in the log."""

    op: str
    cursor: CursorText


class Pressed(Struct, frozen=True, kw_only=True):
    """A button of a notification is pressed, now or before; its entry in the log follows."""

    id: NotificationId
    action: str


class Health(Struct, frozen=True, kw_only=True):
    """Whether the process lives, or is ready for requests."""

    status: str


class ProblemDetails(Struct, frozen=True, kw_only=True):
    """What was wrong, where, and what would be right (RFC 9457); `field` names the parameter, header or field of the body."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    field: str | None = None
    line: int | None = None
    reason: str | None = None
    partition: int | None = None
    errors: Any = None


def _each(ranges: list[list[int]]) -> Iterator[int]:
    return (number for first, last in ranges for number in range(first, last + 1))
