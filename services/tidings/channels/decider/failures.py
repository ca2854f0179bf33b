"""Failures: the events that Tidings states when a message does not reach its reader."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from tidings.channels.decider.delivery import Delivery
from tidings.channels.results import Failed, SendResult
from tidings.client.appender import Appender
from tidings.contracts.event import Event
from tidings.contracts.ids import OwnEventIds
from tidings.contracts.messages import reserved_event_message
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Subjects
from tidings.domains.deliveries.events import (
    CODE_LIMIT_CHARACTERS,
    ChannelSuppressed,
    DeliveryFailed,
    NotificationUnattended,
)


class Failures:
    """States failures in `EVENTS`; each event has one id, so stating it again changes nothing."""

    def __init__(self, appender: Appender, own_ids: OwnEventIds, subjects: Subjects) -> None:
        self._appender = appender
        self._own_ids = own_ids
        self._subjects = subjects

    async def state(
        self, delivery: Delivery, notification: Notification, result: SendResult
    ) -> None:
        """State that a delivery was given up, before its outcome is; raises Unavailable."""
        await self._append(delivery, notification, _events(delivery, notification, result))

    async def state_unattended(self, delivery: Delivery, notification: Notification) -> None:
        """State that a notification is still unread at its escalation; raises Unavailable."""
        event = NotificationUnattended(
            notification_id=notification.id,
            user_id=delivery.person.user,
            step=delivery.step,
            notification_type=notification.type,
            category=notification.category,
            entity=notification.entity,
        )
        await self._append(delivery, notification, (event,))

    async def _append(
        self, delivery: Delivery, notification: Notification, events: Iterable[Event]
    ) -> None:
        await asyncio.gather(
            *(
                self._appender.append(
                    reserved_event_message(
                        event,
                        notification,
                        delivery.person.user,
                        id=self._own_ids.delivery_event_id(event.type, delivery.id),
                        at=None,
                        subjects=self._subjects,
                    )
                )
                for event in events
            )
        )


def _events(delivery: Delivery, notification: Notification, result: SendResult) -> Iterator[Event]:
    user, code = delivery.person.user, result.code[:CODE_LIMIT_CHARACTERS]
    if isinstance(result, Failed) and result.suppress:
        is_device = delivery.channel in ("webpush", "apns", "fcm")
        yield ChannelSuppressed(
            user_id=user,
            address_id=None if is_device else delivery.address,
            device_id=delivery.address if is_device else None,
            reason=result.suppress,
            code=code,
            delivery_id=delivery.id,
        )
    yield DeliveryFailed(
        delivery_id=delivery.id,
        user_id=user,
        channel=delivery.channel,
        reason=code,
        notification_id=notification.id,
    )
