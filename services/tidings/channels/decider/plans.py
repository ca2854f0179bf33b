"""Plans: how the installation tells of a notification beyond the page, if nobody chose; values."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from tidings.contracts.channels import PreferenceChannel
from tidings.contracts.notifications import Notification, Priority
from tidings.domains.preferences.events import How


class Step(NamedTuple):
    """One channel of a plan; `after`: for how long it must be unread, with `how="unread"`."""

    channel: PreferenceChannel
    how: How
    after: timedelta = timedelta(0)


class Plan(NamedTuple):
    """The steps for notifications of a priority."""

    priority: Priority
    steps: tuple[Step, ...]


UNREAD_AFTER = timedelta(minutes=10)
HOURLY_LIMIT_MAILS = 12
"""As many mails a person gets in an hour; what is told beyond them gathers in a summary."""
PLANS = (
    Plan("critical", (Step("push", "now"), Step("email", "unread", UNREAD_AFTER))),
    Plan("high", (Step("push", "now"), Step("email", "unread", UNREAD_AFTER))),
    Plan("normal", (Step("push", "now"), Step("email", "digest"))),
    Plan("low", ()),
)


def step_of(notification: Notification, channel: PreferenceChannel) -> Step:
    """Return the installation's step for a notification on a channel; `never` if it has none."""
    plan = next(plan for plan in PLANS if plan.priority == notification.priority)
    return next((step for step in plan.steps if step.channel == channel), Step(channel, "never"))


def step_number(channel: PreferenceChannel) -> int:
    """Return the number of a channel's step, the same in every plan."""
    return _NUMBERS[channel]


_NUMBERS: dict[PreferenceChannel, int] = {"push": 0, "email": 1, "webhook": 2, "chat": 3}
