"""Events about deliveries; only Tidings itself emits them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from msgspec import Meta
from tidings.contracts.channels import Channel
from tidings.contracts.deliveries import DeliveryId
from tidings.contracts.event import Event
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Entity, NotificationId
from tidings.domains.addresses.events import place_faults

CODE_LIMIT_CHARACTERS = 64

SuppressionReason = Literal["bounced", "gone", "complained", "failing"]
Code = Annotated[
    str, Meta(min_length=1, max_length=CODE_LIMIT_CHARACTERS, pattern=r"^[^\x00-\x1f\x7f]+\Z")
]


class ChannelSuppressed(Event, frozen=True, kw_only=True):
    """Nothing is sent any more to an address or a device of a user, or to a tenant's endpoint.

    `code`: what the other side answered, such as `550 5.1.1`.
    """

    type: ClassVar[str] = "channel.suppressed"
    user_id: Id | None = None
    address_id: Id | None = None
    device_id: Id | None = None
    endpoint_id: Id | None = None
    reason: SuppressionReason
    code: Code | None = None
    delivery_id: DeliveryId | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Return the fields that do not name one place."""
        yield from place_faults(self.user_id, self.address_id, self.device_id, self.endpoint_id)


class DeliveryFailed(Event, frozen=True, kw_only=True):
    """A delivery was given up after its last attempt."""

    type: ClassVar[str] = "delivery.failed"
    delivery_id: DeliveryId
    user_id: Id
    channel: Channel
    reason: Code
    notification_id: NotificationId | None = None


class NotificationUnattended(Event, frozen=True, kw_only=True):
    """A user left a notification unread until the time of a step of its plan.

    `notification_type`, `category` and `entity` are those of the notification.
    """

    type: ClassVar[str] = "notification.unattended"
    notification_id: NotificationId
    user_id: Id
    step: int
    notification_type: str | None = None
    category: str | None = None
    entity: Entity | None = None


EVENTS: tuple[type[Event], ...] = (
    ChannelSuppressed,
    DeliveryFailed,
    NotificationUnattended,
)
