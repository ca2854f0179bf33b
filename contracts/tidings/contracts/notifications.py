"""The entries of a person's log: notifications and marks; and the entries of a topic's log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Raw, Struct
from tidings.contracts.ids import Id

TITLE_LIMIT_CHARACTERS = 150
MARK_LIMIT_IDS = 500

Priority = Literal["low", "normal", "high", "critical"]
Level = Literal["info", "success", "warning", "error"]
MarkableState = Literal[
    "read", "unread", "seen", "archived", "unarchived", "snoozed", "unsnoozed", "deleted"
]
"""The states that a client may set."""
MarkState = Literal[MarkableState, "acted"]

NotificationId = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
CursorText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{8}(?:[0-9a-f]{8})?-(?:0|[1-9][0-9]{0,18})"
        r"(?:(?:\.(?:0|[1-9][0-9]{0,18})){2})?\Z"
    ),
]
Moment = Annotated[datetime, Meta(tz=True)]
ShortText = Annotated[str, Meta(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]+\Z")]


class Entity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The object of a notification, and the address of its page."""

    type: str
    id: str
    url: str | None = None

    @property
    def name(self) -> str:
        """Return the entity as filters spell it: `task:456`."""
        return f"{self.type}:{self.id}"


class Action(Struct, frozen=True):
    """A button of a notification: its name in addresses, and its label for the reader."""

    name: str
    label: str


class Notification(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="notification"
):
    """A notification of one user, in its current state.

    `event` is the sequence of the event in `EVENTS`, `created` the time when it was appended,
    `occurred` the event's own time (only shown). `audience`: the relations, such as
    `task:456#watcher`, of which one made this user a recipient; empty if the event names them.

    `cursor`, `seen`, `read`, `archived`, `snoozed` and `acted` are absent in the log and added on
    the way to a client. Until `snoozed`, the notification is only in the list of the snoozed.

    `receipt`: the actor asked to be notified when it is read. `actions`: its buttons, of which one
    can be pressed, once; `acted` is the name of that one. `count`: the number of events of its
    group since the user last read it, which it represents; `actors`: the actors of the newest of
    them, at most three, the latest first.
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
    audience: tuple[str, ...] = ()
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
    """Select the notifications that match all given fields; `entity` is spelled `task:456`.

    `unread`: select only those that were not read before the mark. Unknown fields are rejected:
    ignoring one would select more than the client meant.
    """

    category: ShortText | None = None
    type: ShortText | None = None
    entity: ShortText | None = None
    group: ShortText | None = None
    unread: bool = False

    def __post_init__(self) -> None:
        if not (self.category or self.type or self.entity or self.group):
            raise ValueError(
                "A filter needs at least one of `category`, `type`, `entity` and `group`"
            )
        if self.entity and not all(self.entity.partition(":")):
            raise ValueError("`entity` is a type and an id, such as `task:456`")


class Mark(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="mark"):
    """A change of state of a person's notifications.

    It applies to those with these `ids`, to all up to the cursor `up_to`, or to all before the mark
    that match the `filter`. A user makes it on one of their devices; or an event retracts
    notifications, or reports which button the user pressed: `action` goes with `acted`, which no
    client may send.

    `until` goes with `snoozed`: at that time the notifications reappear, read or unread as they
    are. A snoozed one is not archived, and an archived one is not snoozed.
    """

    cursor: CursorText | None = None
    state: MarkState
    at: datetime
    ids: tuple[NotificationId, ...] = ()
    up_to: CursorText | None = None
    filter: Filter | None = None
    until: datetime | None = None
    action: str | None = None
    op: Id | None = None


Entry = Notification | Mark
"""The entries of a person's own log."""


class SharedNotification(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="shared"
):
    """The one entry of a topic's log: a notification for all its members except `left_out`.

    `notification` is a `Notification` with an empty `user`; each reader receives it as their own.
    """

    schema_name: ClassVar[str] = "Shared"
    left_out: str | None = None
    notification: Raw


class TopicJoined(Struct, frozen=True, tag_field="entry", tag="joined"):
    """From this entry on, the topic's log is part of this person's log."""

    schema_name: ClassVar[str] = "Joined"


class TopicLeft(Struct, frozen=True, tag_field="entry", tag="left"):
    """From this entry on, the topic's log is no longer part of this person's log."""

    schema_name: ClassVar[str] = "Left"


TopicMembership = TopicJoined | TopicLeft
"""The entries of a person's membership of a topic; they never expire."""


SENT_DEVICE = "tidings:sent"
"""The device that represents all connections of a person: it has all that was sent on any of them.
"""


class DeliveryReceipt(Struct, frozen=True, kw_only=True):
    """A device of a person has everything up to a cursor; stored beside the entries."""

    schema_name: ClassVar[str] = "Delivered"
    device: Id
    cursor: CursorText


class Counts(Struct, frozen=True, kw_only=True):
    """The numbers of a person's unread, unseen and all notifications.

    They are counted by the predicates of the lists: archived and snoozed ones are left out.
    """

    unread: int
    unseen: int
    total: int


class CountsDelta(Struct, frozen=True, kw_only=True):
    """What a frame adds to the counts that a client has."""

    unread: int
    unseen: int
    total: int
