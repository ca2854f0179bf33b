"""Bodies of previews: who would be told of an event, where, when and why."""

from __future__ import annotations

from msgspec import Raw, Struct
from tidings.contracts.channels import Channel
from tidings.contracts.deliveries import DecidedState
from tidings.contracts.http_bodies.deliveries import WhyDelivery
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Moment


class PreviewRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event that is not appended; `at`: the moment that it is previewed for, not the present.

    `user`: only what this user would get.
    """

    event: Raw
    at: Moment | None = None
    user: Id | None = None


class PreviewedDelivery(Struct, frozen=True, kw_only=True):
    """What would become of a notification on one channel.

    `to`: the id of the address or device, null if nothing is wanted or can be sent on the channel;
    `address`: as it may be shown. `summary`: it would be told together with others.
    """

    channel: Channel
    to: Id | None
    address: str | None
    summary: bool
    state: DecidedState
    until: Moment | None
    why: WhyDelivery | None


class PreviewedMail(Struct, frozen=True, kw_only=True):
    """The mail that would leave, in the locale of its reader; its links do not work."""

    subject: str
    text: str
    html: str


class PreviewedNotification(Struct, frozen=True, kw_only=True):
    """A notification that a user would have, and its deliveries beyond the page."""

    user: Id
    title: str
    message: str
    category: str
    priority: str
    locale: str | None
    zone: str | None
    deliveries: tuple[PreviewedDelivery, ...]
    mail: PreviewedMail | None


class Preview(Struct, frozen=True, kw_only=True):
    """Who would be told of an event at a moment; nothing was sent or appended.

    `total`: how many notifications it would make, of which the first are shown. `reason`: why it
    would make none, empty if it does.
    """

    at: Moment
    total: int
    reason: str
    notifications: tuple[PreviewedNotification, ...]
