"""Plans: how the installation tells of a notification beyond the page, if nobody chose; values."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from tidings.contracts.channels import PreferenceChannel
from tidings.contracts.notifications import Notification, Priority
from tidings.domains.preferences.events import How


class Step(NamedTuple):
    """One channel of a plan; `after`: for how long it must be unread, with `how="unread"`.

    `unless_present`: not for a person who has seen or read something in the last minute; one who
    chose this channel gets it all the same.
    """

    channel: PreferenceChannel
    how: How
    after: timedelta = timedelta(0)
    unless_present: bool = False


class Plan(NamedTuple):
    """The steps for notifications of a priority, and of a category if there is one.

    `escalate`: after so long unread, `notification.unattended` is stated for rules to react to.
    """

    priority: Priority
    steps: tuple[Step, ...]
    category: str | None = None
    escalate: timedelta | None = None


UNREAD_AFTER = timedelta(minutes=10)
PRESENT_FOR = timedelta(seconds=60)
HOURLY_LIMIT_MAILS = 12
"""As many mails a person gets in an hour; what is told beyond them gathers in a summary."""
ESCALATION_STEP, SNOOZE_STEP = 8, 10
"""The numbers of the steps that have no channel's number."""
PUSH = Step("push", "now", unless_present=True)
PLANS = (
    Plan(
        "critical",
        (Step("push", "now"), Step("email", "unread", UNREAD_AFTER)),
        category="incident",
        escalate=timedelta(minutes=15),
    ),
    Plan("critical", (Step("push", "now"), Step("email", "unread", UNREAD_AFTER))),
    Plan("high", (PUSH, Step("email", "unread", UNREAD_AFTER))),
    Plan("normal", (PUSH, Step("email", "digest"))),
    Plan("low", ()),
)


def step_of(notification: Notification, channel: PreferenceChannel) -> Step:
    """Return the installation's step for a notification on a channel; `never` if it has none."""
    steps = plan_of(notification).steps
    return next((step for step in steps if step.channel == channel), Step(channel, "never"))


def plan_of(notification: Notification) -> Plan:
    """Return the installation's plan for a notification: the first that fits."""
    return next(plan for plan in PLANS if _fits(plan, notification))


def _fits(plan: Plan, notification: Notification) -> bool:
    is_of_category = plan.category in (None, notification.category)
    return plan.priority == notification.priority and is_of_category


def step_number(channel: PreferenceChannel) -> int:
    """Return the number of a channel's step, the same in every plan."""
    return _NUMBERS[channel]


_NUMBERS: dict[PreferenceChannel, int] = {"push": 0, "email": 1, "webhook": 2, "chat": 3}
