"""Notifications: what becomes of them that others wait for; stated by Tidings alone."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Entity, NotificationId, Word


class NotificationRead(Event, frozen=True, kw_only=True):
    """Somebody read for the first time what they were told; `sender` asked to know it; `group`: the next of it begins anew."""

    type: ClassVar[str] = "notification.read"
    notification_id: NotificationId
    user_id: Id
    title: str
    entity: Entity | None = None
    sender: Id | None = None
    group: str | None = None


class NotificationActed(Event, frozen=True, kw_only=True):
    """Somebody pressed a button of what they were told, the only time; `notification_type` and `entity` say what that was about."""

    type: ClassVar[str] = "notification.acted"
    notification_id: NotificationId
    user_id: Id
    action: Word
    notification_type: str
    entity: Entity | None = None
