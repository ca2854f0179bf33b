"""Failures: the events that Tidings states when a delivery is given up or an address is dead."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

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
        events = list(_events(delivery, notification, result))
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
