"""Entries: the two things a person's log is made of, notifications and marks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from contracts.ids import Id

TITLE_LIMIT_CHARACTERS = 150
MARK_LIMIT_IDS = 500

Priority = Literal["low", "normal", "high", "critical"]
Level = Literal["info", "success", "warning", "error"]
State = Literal["read", "unread", "seen", "archived", "unarchived", "deleted"]

NotificationId = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
CursorText = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9]{1,19}\Z")]


class Entity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a notification is about, and where it can be seen."""

    type: str
    id: str
    url: str | None = None


class Notification(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="notification"):
    """One thing one person was told, whole, as it now stands.

    `created` is when the event was appended, `occurred` the event's own time (only shown). `cursor`, `seen`, `read` and
    `archived` are added on the way to a client and absent in the log.
    """

    cursor: CursorText | None = None
    id: NotificationId
    type: str
    category: str
    level: Level = "info"
    priority: Priority = "normal"
    title: str
    message: str
    data: Raw = Raw(b"{}")
    entity: Entity | None = None
    references: dict[str, str] = {}
    actor: str | None = None
    group: str | None = None
    tenant: str
    user: str
    created: datetime
    occurred: datetime | None = None
    expires: datetime | None = None
    seen: datetime | None = None
    read: datetime | None = None
    archived: datetime | None = None


class Mark(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="mark"):
    """What a person did with notifications: some by id, or all up to a cursor, which never races with what arrives meanwhile."""

    cursor: CursorText | None = None
    state: State
    at: datetime
    ids: tuple[NotificationId, ...] = ()
    up_to: CursorText | None = None
    op: Id | None = None


Entry = Notification | Mark


class Counts(Struct, frozen=True, kw_only=True):
    """How many notifications a person has, by the same predicates as the lists: not archived; of these unread and unseen."""

    unread: int
    unseen: int
    total: int
