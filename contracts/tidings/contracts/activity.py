"""The activity log, as requests are answered."""

from __future__ import annotations

from msgspec import Raw, Struct
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Moment


class Happening(Struct, frozen=True, kw_only=True):
    """A fact: what type of event, who did it, what it is about (`task:1`), when it came to the log, and its data as it was stated.

    Of an event with more than 8192 characters of data, the data is null here.
    """

    sequence: int
    type: str
    actor: Id | None
    entity: str | None
    at: Moment
    data: Raw


class Activity(Struct, frozen=True, kw_only=True):
    """A page of the activity log, newest first; `next` is the `before` of the following page, null on the last one.

    `sequence`: how far in the events this has come.
    """

    activity: tuple[Happening, ...]
    next: int | None
    sequence: int
