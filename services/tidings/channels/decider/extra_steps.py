"""Steps beyond the preferences: escalations, ends of snoozes, pushes to absent people; pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tidings.channels.decider.delivery import Delivery
from tidings.channels.decider.places import usable_places
from tidings.channels.decider.plans import ESCALATION_STEP, SNOOZE_STEP, plan_of, step_of
from tidings.channels.decider.when import Decision, NotificationFacts, choice_of
from tidings.contracts.channels import PREFERENCE_CHANNEL_OF, Channel
from tidings.contracts.deliveries import PlannedStep, Reason, delivery_id
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person
from tidings.projections.preferences.settings import PersonSettings

_WOKEN_AT_ONCE = ("now", "unread")


def escalation_step(person: Person, notification: Notification) -> PlannedStep | None:
    """Return the escalation of a notification, None if its plan has none."""
    escalate = plan_of(notification).escalate
    if escalate is None:
        return None
    identifier = delivery_id(
        notification.id, person.user, "escalation", ESCALATION_STEP, person.user
    )
    return PlannedStep(
        delivery=identifier,
        step=ESCALATION_STEP,
        channel="escalation",
        to=person.user,
        state="held",
        until=notification.created + escalate,
        why=Reason(code="unread_delay", row="escalation"),
    )


def is_escalation(delivery: Delivery) -> bool:
    """Return whether a delivery is no message, but the statement that none was read."""
    return delivery.step == ESCALATION_STEP


def judge_escalation(facts: NotificationFacts | None, at: datetime) -> Decision:
    """Return whether a notification is still unread at the time of its escalation."""
    if facts is None or facts.over:
        code = facts.over if facts else None
        return Decision("dropped", why=Reason(code=code or "expired"))
    expires = facts.notification.expires
    if expires is not None and expires <= at:
        return Decision("dropped", why=Reason(code="expired"))
    return Decision("ordered")


def is_for_absent(settings: PersonSettings, notification: Notification, step: PlannedStep) -> bool:
    """Return whether a step that leaves at once is not for a person who is present."""
    if step.channel == "escalation" or step.state != "ordered":
        return False
    if choice_of(settings, notification, step.channel).chosen.how is not None:
        return False
    return step_of(notification, PREFERENCE_CHANNEL_OF[step.channel]).unless_present


def wake_steps(
    person: Person,
    notification: Notification,
    settings: PersonSettings,
    channels: tuple[Channel, ...],
    until: datetime,
) -> Iterator[PlannedStep]:
    """Return the messages that a snoozed notification is back, on the channels that tell at once.

    A program, which receives webhooks, does not snooze.
    """
    for channel in channels:
        choice = choice_of(settings, notification, channel)
        if choice.how not in _WOKEN_AT_ONCE or channel == "webhook":
            continue
        for place in usable_places(settings, channel):
            name = f"{place.id}\0{until.isoformat()}"
            yield PlannedStep(
                delivery=delivery_id(notification.id, person.user, channel, SNOOZE_STEP, name),
                step=SNOOZE_STEP,
                channel=channel,
                to=place.id,
                state="held",
                until=until,
                why=Reason(code="snoozed"),
            )


def wake_veto(delivery: Delivery, facts: NotificationFacts) -> Reason | None:
    """Return why a snooze does not end any more as its message assumes, None if it does."""
    if delivery.step == SNOOZE_STEP and facts.notification.snoozed is None:
        return Reason(code="superseded", row="the snooze was ended")
    return None
