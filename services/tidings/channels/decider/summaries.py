"""Summaries: what is told together with other notifications instead, and when; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from tidings.channels.decider.delivery import Delivery
from tidings.channels.decider.digest_times import next_digest
from tidings.channels.decider.plans import HOURLY_LIMIT_MAILS, step_number
from tidings.channels.decider.when import (
    Decision,
    choice_of,
    digest_end,
    is_summarised,
    undisturbed,
)
from tidings.contracts.channels import PREFERENCE_CHANNEL_OF, Channel
from tidings.contracts.deliveries import Moved, PlannedStep, Reason, digest_delivery_id
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person
from tidings.domains.preferences.events import DigestTime
from tidings.projections.preferences.quiet import first_zone
from tidings.projections.preferences.settings import PersonSettings

HOUR = timedelta(hours=1)
HOURLY = DigestTime(every="hourly")
GATHERING_CODES = frozenset(("quiet_hours", "paused"))
"""What is held for these reasons until the same moment leaves as one summary."""
CAPPED_CHANNELS: frozenset[Channel] = frozenset(("email",))
SINGLE_CHANNELS: frozenset[Channel] = frozenset(("webhook",))
"""What receives these is a program: it gets each notification by itself."""


class Window(NamedTuple):
    """A summary by when its notifications stop to gather, and why they do."""

    end: datetime
    why: Reason


def summary_step(
    person: Person, settings: PersonSettings, channel: Channel, to: str, window: Window
) -> PlannedStep | None:
    """Return the summary of a window: all of one end are one delivery.

    None if all hours of the person are quiet.
    """
    until, _ = undisturbed(settings, channel, window.end)
    if until is None:
        return None
    return PlannedStep(
        delivery=digest_delivery_id(person.tenant, person.user, channel, to, window.end),
        step=step_number(PREFERENCE_CHANNEL_OF[channel]),
        channel=channel,
        to=to,
        summary=True,
        state="held",
        until=until,
        why=window.why,
    )


def digest_window(
    notification: Notification, settings: PersonSettings, channel: Channel, after: datetime
) -> Window | None:
    """Return the digest that a notification belongs to, None if it is told by itself."""
    choice = choice_of(settings, notification, channel)
    if not is_summarised(choice, notification):
        return None
    return Window(digest_end(choice, settings, after), choice.reason("digest"))


def quiet_window(decision: Decision, channel: Channel) -> Window | None:
    """Return the summary of all that is held until the same moment, None if it is not."""
    why, until = decision.why, decision.until
    if decision.state != "held" or until is None or channel in SINGLE_CHANNELS:
        return None
    return Window(until, why) if why and why.code in GATHERING_CODES else None


def is_capped(delivery: Delivery) -> bool:
    """Return whether a delivery waits for a summary if its person got many in the last hour."""
    is_first = delivery.attempt == 1 and not delivery.summary
    return is_first and delivery.channel in CAPPED_CHANNELS


def capped_window(
    delivery: Delivery,
    notification: Notification,
    settings: PersonSettings,
    ordered_before: int,
    at: datetime,
) -> Window | None:
    """Return the summary of what is beyond the limit of an hour, None if a mail is not.

    `ordered_before`: how many were ordered for the person in the hour before this one.
    """
    if not is_capped(delivery) or notification.priority == "critical":
        return None
    if ordered_before < HOURLY_LIMIT_MAILS:
        return None
    why = Reason(code="capped", row=f"{HOURLY_LIMIT_MAILS} mails an hour to a person")
    return Window(next_digest(HOURLY, at, first_zone(settings.zones)), why)


def moved_to(
    windows: Iterable[tuple[Notification, Window]], delivery: Delivery, settings: PersonSettings
) -> tuple[Moved, ...]:
    """Return what a decision states of notifications that join summaries instead."""
    joining: dict[str, tuple[PlannedStep, list[str]]] = {}
    for notification, window in windows:
        step = summary_step(delivery.person, settings, delivery.channel, delivery.address, window)
        if step:
            joining.setdefault(step.delivery, (step, []))[1].append(notification.id)
    return tuple(Moved(step=step, notifications=tuple(ids)) for step, ids in joining.values())


def later_digests(
    notifications: Sequence[Notification],
    delivery: Delivery,
    settings: PersonSettings,
    at: datetime,
) -> list[tuple[Notification, Window]]:
    """Return the notifications of a summary whose digest leaves later by the settings of now."""
    windows = (
        (each, digest_window(each, settings, delivery.channel, each.created))
        for each in notifications
    )
    return [(each, window) for each, window in windows if window and window.end > at]
