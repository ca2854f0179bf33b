"""Entries: the two things a person's log is made of, notifications and marks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct
from tidings.contracts.ids import Id

TITLE_LIMIT_CHARACTERS = 150
MARK_LIMIT_IDS = 500

Priority = Literal["low", "normal", "high", "critical"]
Level = Literal["info", "success", "warning", "error"]
Wish = Literal[
    "read", "unread", "seen", "archived", "unarchived", "snoozed", "unsnoozed", "deleted"
]
"""What a person may say of a notification themselves."""
State = Literal[Wish, "acted"]

NotificationId = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
CursorText = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{8}-(?:0|[1-9][0-9]{0,18})(?:(?:\.(?:0|[1-9][0-9]{0,18})){2})?\Z")
]
Moment = Annotated[datetime, Meta(tz=True)]
Word = Annotated[str, Meta(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]+\Z")]


class Entity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a notification is about, and where it can be seen."""

    type: str
    id: str
    url: str | None = None

    @property
    def name(self) -> str:
        """Its spelling in filters: `task:456`."""
        return f"{self.type}:{self.id}"


class Action(Struct, frozen=True):
    """A button of a notification: its name in addresses, and what it says to whoever reads it."""

    name: str
    label: str


class Notification(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="notification"
):
    """One thing one person was told, whole, as it now stands.

    `event` is where the event lies in `EVENTS`, `created` when it was appended, `occurred` its own time (only shown). `cursor`,
    `seen`, `read`, `archived`, `snoozed` and `acted` are added on the way to a client and absent in the log; while `snoozed` lies
    ahead, it is in no list but that of the snoozed. `receipt`: the actor asked to be told when it is read.
    `actions`: its buttons, one of which may be pressed, once; `acted` is the name of that one.
    `count`: it stands for so many events of its group, all since the person last read it; `actors`: whose the newest are, up to three,
    the latest first.
    """

    cursor: CursorText | None = None
    id: NotificationId
    event: int | None = None
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
    receipt: bool = False
    count: int | None = None
    actors: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    seen: datetime | None = None
    read: datetime | None = None
    archived: datetime | None = None
    snoozed: datetime | None = None
    acted: str | None = None


class Filter(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Notifications of a kind: all that is given must fit; `entity` as `task:456`. A field we do not know would widen it: refused.

    `unread`: of these, only those not read before the mark.
    """

    category: Word | None = None
    type: Word | None = None
    entity: Word | None = None
    group: Word | None = None
    unread: bool = False

    def __post_init__(self) -> None:
        if not (self.category or self.type or self.entity or self.group):
            raise ValueError(
                "A filter needs at least one of `category`, `type`, `entity` and `group`"
            )
        if self.entity and not all(self.entity.partition(":")):
            raise ValueError("`entity` is a type and an id, such as `task:456`")


class Mark(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="mark"):
    """What becomes of a person's notifications: some by id, all up to a cursor, or all that fit a filter and came before the mark.

    A person says so on one of their devices, or an event takes something back that they were told, or says that they pressed one of
    its buttons: `action` goes with `acted`, which no client may send.
    `until` goes with `snoozed`: then they come back by themselves, read or unread as they are. Whatever is snoozed is not
    archived, and whatever is archived not snoozed.
    """

    cursor: CursorText | None = None
    state: State
    at: datetime
    ids: tuple[NotificationId, ...] = ()
    up_to: CursorText | None = None
    filter: Filter | None = None
    until: datetime | None = None
    action: str | None = None
    op: Id | None = None


Entry = Notification | Mark
"""What a person's own log is made of."""


class Shared(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="shared"
):
    """The one entry of a topic's log: a notification for everybody who belongs to the topic then, but for whoever is left out.

    The notification is a `Notification` whose `user` is empty: each reader is shown it as their own.
    """

    left_out: str | None = None
    notification: Raw


class Joined(Struct, frozen=True, tag_field="entry", tag="joined"):
    """From here on, what a topic's log says is for this person too."""


class Left(Struct, frozen=True, tag_field="entry", tag="left"):
    """From here on, it no longer is."""


Membership = Joined | Left
"""What a person's membership of a topic is made of; it never expires."""


SENT = "tidings:sent"
"""The device that stands for all connections of a person's together: it has what was sent on any of them."""


class Delivered(Struct, frozen=True, kw_only=True):
    """What a device of a person's has: everything up to a cursor. Lies in the log beside the entries, not among them."""

    device: Id
    cursor: CursorText


class Counts(Struct, frozen=True, kw_only=True):
    """How many a person has, by the same predicates as the lists: neither archived nor snoozed; of these unread and unseen."""

    unread: int
    unseen: int
    total: int
