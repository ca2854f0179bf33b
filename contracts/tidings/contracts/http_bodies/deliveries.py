"""Answers of requests for deliveries beyond the page."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from tidings.contracts.deliveries import DeliveryId, StepChannel
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Moment, NotificationId

DeliveryState = Literal[
    "held", "ordered", "dropped", "claimed", "sent", "deferred", "failed", "doubtful"
]


class WhyDelivery(Struct, frozen=True, kw_only=True):
    """Why a delivery is held or dropped: the setting that decided, and the event that states it."""

    code: str
    row: str | None
    event: int | None


class DeliveryStatus(Struct, frozen=True, kw_only=True):
    """What became of what was sent, or is to be sent, to one address or device.

    `to`: the id of that place; `address`: as it may be shown, such as `a…@example.org`, null for a
    device and for an address that was withdrawn. `until`: when a held one is due. `attempts`: how
    often it was sent, or is to be sent next. `code`, `reply`: what the other side answered last.
    `notifications`: what it tells of, of a summary the newest 100. `cancelled`: an operator asked
    for that; what is being sent may arrive still. `entry`: the sequence of its newest entry.
    """

    id: DeliveryId
    user: Id
    channel: StepChannel
    to: Id
    address: str | None
    summary: bool
    state: DeliveryState
    until: Moment | None
    why: WhyDelivery | None
    attempts: int
    code: str | None
    reply: str | None
    notifications: tuple[NotificationId, ...]
    cancelled: bool
    planned: Moment
    changed: Moment
    entry: int


class DeliveryPage(Struct, frozen=True, kw_only=True):
    """A page of deliveries, those that changed last first.

    `next`: the `before` of the following page, null on the last one. `sequence`: the entry of the
    log up to which all deliveries are known.
    """

    deliveries: tuple[DeliveryStatus, ...]
    next: int | None
    sequence: int
