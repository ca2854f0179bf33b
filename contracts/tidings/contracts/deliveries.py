"""The entries about a person's deliveries: what was planned, decided and done beyond the page.

All three lie on one subject, `outbound.<p>.<tenant>.<user>`, so their order is that of the log.
They name an address by its id; the address itself is only in events.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID, uuid5

import msgspec
from msgspec import Meta, Struct
from tidings.contracts.channels import Channel
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Moment, NotificationId

DELIVERY_NAMESPACE = UUID("8f6b1c52-6f5e-5f0e-9d0a-3d1a6b8e2c47")
REPLY_LIMIT_CHARACTERS = 300

DeliveryId = NotificationId
DecidedState = Literal["ordered", "held", "dropped"]
OutcomeState = Literal["claimed", "sent", "deferred", "failed", "doubtful"]
HeldCode = Literal[
    "unread_delay", "quiet_hours", "paused", "digest", "retry", "paced", "capped", "snoozed"
]
DroppedCode = Literal[
    "read",
    "acted",
    "archived",
    "retracted",
    "expired",
    "opted_out",
    "no_address",
    "unconfirmed",
    "suppressed",
    "superseded",
    "sent_elsewhere",
    "unconfigured",
    "invalid",
    "cancelled",
    "snoozed",
    "present",
]
StepChannel = Channel | Literal["escalation"]
"""Where a step leads: to a channel, or to the event `notification.unattended`."""
Request = Literal["retry", "cancel"]


class Reason(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a delivery is held or dropped, or a preference holds.

    `row`: the key of the setting that decided (`user category:task email never`), and `event`: the
    sequence of the event that states it.
    """

    code: HeldCode | DroppedCode
    row: str | None = None
    event: int | None = None


class AsOf(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a decision was made on.

    `event`: the sequence of `EVENTS` that the settings were read at; `entry`: the sequence of
    `NOTIFICATIONS` that the state of the notifications was read at; `at`: the moment (UTC), by the
    clock of the log. `delivery`: the sequence of `NOTIFICATIONS` that the person's deliveries were
    read at; of a plan, the marks that say whether they were present.
    """

    event: int
    entry: int
    at: Moment
    delivery: int | None = None


class PlannedStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One channel of a plan: `step` is its place in the plan, `to` an address or device, or
    of an escalation the user.

    `summary`: the delivery tells of all notifications of a time; their plans share its id.
    """

    delivery: DeliveryId
    step: int
    channel: StepChannel
    to: Id
    summary: bool = False
    state: DecidedState
    until: Moment | None = None
    why: Reason | None = None


class Planned(Struct, frozen=True, kw_only=True, tag_field="entry", tag="planned"):
    """The deliveries of a notification to a person; once for each that has a wanted step."""

    notification: NotificationId
    as_of: AsOf
    steps: tuple[PlannedStep, ...]


class Moved(Struct, frozen=True, kw_only=True):
    """Notifications of a delivery that join a summary instead."""

    step: PlannedStep
    notifications: tuple[NotificationId, ...]


class Decided(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="decided"
):
    """What became of a delivery at its time, after a failure, or by a request.

    `notifications`: those that it tells of, the newest last, if they are not the planned one alone;
    `total`: their number, of which `notifications` may name only the newest. `attempt` counts from
    1 the attempts to send, and is the one that an order asks for. `moved`: what another delivery
    tells of. `joined`: the sequence of the plan that joined the delivery last, as far as the
    decision knows; one that joined later keeps it from being dropped.
    """

    delivery: DeliveryId
    as_of: AsOf
    state: DecidedState
    until: Moment | None = None
    why: Reason | None = None
    notifications: tuple[NotificationId, ...] = ()
    total: int = 0
    attempt: int = 1
    moved: tuple[Moved, ...] = ()
    joined: int | None = None


class Outcome(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="outcome"
):
    """What an attempt to send came to.

    `claimed` comes before the attempt: one that was claimed and has no other outcome, because its
    process ended, is `doubtful`. `until`: when to try again, with `deferred`. One that does not
    count, because the other side asked to wait, has the number of the `attempt` before. `reply`:
    what the other side answered, cut and without addresses. `provider_id`: its id of the message.
    """

    delivery: DeliveryId
    attempt: int
    state: OutcomeState
    code: str | None = None
    reply: Annotated[str, Meta(max_length=REPLY_LIMIT_CHARACTERS)] | None = None
    until: Moment | None = None
    provider: str | None = None
    provider_id: str | None = None
    milliseconds: int | None = None


class Requested(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="requested"
):
    """An operator asks that a delivery is decided about anew, or dropped; `by` is their user.

    It has an effect only in the states of `REQUESTABLE`, in the order of the log.
    """

    delivery: DeliveryId
    request: Request
    by: Id | None = None


REQUESTABLE: Mapping[Request, frozenset[str]] = {
    "retry": frozenset(("dropped", "deferred", "failed", "doubtful")),
    "cancel": frozenset(("held", "ordered", "claimed", "deferred", "doubtful")),
}
"""The states of deliveries that a request changes. One that is being sent is cancelled if that
attempt fails.
"""

DeliveryEntry = Planned | Decided | Outcome | Requested

_decoder = msgspec.json.Decoder(DeliveryEntry)


def decode_delivery_entry(body: bytes) -> DeliveryEntry:
    """Decode an entry of a delivery log; raises msgspec.DecodeError."""
    return _decoder.decode(body)


def delivery_id(
    notification: str, user: str, channel: StepChannel, step: int, to: str
) -> DeliveryId:
    """Return the id of a delivery, the same whenever it is planned."""
    name = "\0".join((notification, user, channel, str(step), to))
    return str(uuid5(DELIVERY_NAMESPACE, name))


def digest_delivery_id(
    tenant: str, user: str, channel: Channel, to: str, window_end: datetime
) -> DeliveryId:
    """Return the id of a summary, which all notifications of its window share."""
    name = "\0".join((tenant, user, channel, to, window_end.isoformat()))
    return str(uuid5(DELIVERY_NAMESPACE, name))


def late_delivery_id(summary: str, notification: str) -> DeliveryId:
    """Return the id of a delivery of a notification that came too late for its summary."""
    return str(uuid5(DELIVERY_NAMESPACE, f"{summary}\0{notification}"))
