"""HTTP: the bodies of requests and answers that are neither events nor frames."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from contracts.notifications import Counts, CursorText, Notification


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
