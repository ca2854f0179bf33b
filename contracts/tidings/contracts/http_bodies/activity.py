"""Answers of requests for the activity log."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Raw, Struct
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Moment


class ActivityEntry(Struct, frozen=True, kw_only=True):
    """An event: its type, its actor, its entity (`task:1`), its time in the log, and its data.

    `data` is null if it has more than 8192 characters; it leaves out addresses, tokens and keys.
    """

    schema_name: ClassVar[str] = "Happening"
    sequence: int
    type: str
    actor: Id | None
    entity: str | None
    at: Moment
    data: Raw


class Activity(Struct, frozen=True, kw_only=True):
    """A page of the activity log, newest first.

    `next`: the `before` of the following page, null on the last one. `sequence`: the last event
    that the read model contains.
    """

    activity: tuple[ActivityEntry, ...]
    next: int | None
    sequence: int
