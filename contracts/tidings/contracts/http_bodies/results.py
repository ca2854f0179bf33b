"""The bodies of HTTP requests and answers that are neither events nor frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from msgspec import Meta, Struct
from tidings.contracts.notifications import Counts, CursorText, Notification, NotificationId

RANGES_LIMIT = 1000


class AppendResult(NamedTuple):
    """The sequence of a message in the stream, and whether the stream had it already."""

    sequence: int
    duplicate: bool = False


class Receipt(Struct, kw_only=True):
    """The result of a request that appends events.

    `sequences` and `duplicates` are ranges `[first, last]`: of sequences in the log, in the order
    of the events, and of the events (counted from 1) that the log had already. Ranges beyond the
    first 1000 are omitted, and `truncated` is true.
    """

    events: int = 0
    appended: int = 0
    sequences: list[list[int]] = []
    duplicates: list[list[int]] = []
    truncated: bool = False

    def add_results(self, results: Iterable[AppendResult]) -> None:
        """Add the results of the next events."""
        for result in results:
            self.events += 1
            self.appended += not result.duplicate
            self._extend(self.sequences, result.sequence)
            if result.duplicate:
                self._extend(self.duplicates, self.events)

    def results(self) -> list[AppendResult]:
        """Return the result of each event; complete for up to 1000 events."""
        duplicates = set(_numbers(self.duplicates))
        return [
            AppendResult(sequence, place in duplicates)
            for place, sequence in enumerate(_numbers(self.sequences), 1)
        ]

    def _extend(self, ranges: list[list[int]], number: int) -> None:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        elif len(ranges) < RANGES_LIMIT:
            ranges.append([number, number])
        else:
            self.truncated = True


class Listing(Struct, frozen=True, kw_only=True):
    """A page of notifications, newest first.

    `next`: the `before` of the following page, null on the last one.
    """

    notifications: tuple[Notification, ...]
    counts: Counts
    cursor: CursorText
    next: CursorText | None


class CountsBy(Counts, frozen=True, kw_only=True):
    """The numbers of a person's notifications, in all and for each value of the requested kinds."""

    by: dict[str, dict[str, Counts]] | None = None


class MarkResult(Struct, frozen=True, kw_only=True):
    """A mark was appended; `cursor` is the position of its entry in the log."""

    schema_name: ClassVar[str] = "Marked"
    op: str
    cursor: CursorText


class ActionResult(Struct, frozen=True, kw_only=True):
    """A button of a notification is pressed, now or before; its entry in the log follows."""

    schema_name: ClassVar[str] = "Pressed"
    id: NotificationId
    action: str


class BounceReceipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a mail that came back.

    `counted`: the mail has failed, its address stays in use; `suppressed`: nothing is sent there
    any more; `turned_off`: the person gets no mails of that category any more; `ignored`: the mail
    changes nothing, for the `reason`.
    """

    result: Literal["counted", "suppressed", "turned_off", "ignored"]
    reason: (
        Literal[
            "no_token",
            "unknown_delivery",
            "automatic",
            "delayed",
            "too_large",
            "unreadable",
            "address_changed",
        ]
        | None
    ) = None


class Health(Struct, frozen=True, kw_only=True):
    """Whether the process is alive, or ready for requests."""

    status: str


class ProblemDetails(Struct, frozen=True, kw_only=True):
    """A failed request (RFC 9457): the fault, its place, and what would be valid.

    `field` names the parameter, header or field of the body.
    """

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    field: str | None = None
    line: int | None = None
    reason: str | None = None
    partition: int | None = None
    errors: Any = None


def _numbers(ranges: list[list[int]]) -> Iterator[int]:
    return (number for first, last in ranges for number in range(first, last + 1))
