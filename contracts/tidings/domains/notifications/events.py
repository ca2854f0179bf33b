"""Events about notifications; only Tidings itself emits them."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.event import Event
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Entity, NotificationId, ShortText


class NotificationRead(Event, frozen=True, kw_only=True):
    """A user read a notification for the first time.

    `sender`: the user who requested a receipt. `group`: the group whose next event starts a new
    notification.
    """

    type: ClassVar[str] = "notification.read"
    notification_id: NotificationId
    user_id: Id
    title: str
    entity: Entity | None = None
    sender: Id | None = None
    group: ShortText | None = None


class NotificationActed(Event, frozen=True, kw_only=True):
    """A user pressed a button of a notification, which is possible once.

    `notification_type` and `entity` are those of the notification.
    """

    type: ClassVar[str] = "notification.acted"
    notification_id: NotificationId
    user_id: Id
    action: ShortText
    notification_type: str
    entity: Entity | None = None


EVENTS: tuple[type[Event], ...] = (
    NotificationRead,
    NotificationActed,
)
