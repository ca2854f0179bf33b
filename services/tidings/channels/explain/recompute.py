"""Recompute: the decision that an entry states, from what it says that it was made on; pure."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import takewhile
from typing import TypeVar

import msgspec
from tidings.channels.decider.confirmation import is_confirmation, plan_confirmation
from tidings.channels.decider.extra_steps import escalation_step, wake_steps
from tidings.channels.decider.judgement import decided_entry, judge_due, judge_order
from tidings.channels.decider.places import usable_places
from tidings.channels.decider.planner import NewNotification, for_presence, plan_step
from tidings.channels.decider.plans import PRESENT_FOR, SNOOZE_STEP
from tidings.channels.decider.state import NotificationKey, StateOfPeople
from tidings.channels.decider.summaries import is_capped
from tidings.channels.decider.when import NotificationFacts
from tidings.channels.explain.folded_deliveries import FoldedDeliveries
from tidings.channels.explain.person_log import DeliveryMessage, InboxMessage, PersonLog
from tidings.contracts.channels import PREFERENCE_CHANNEL_OF, Channel
from tidings.contracts.deliveries import Decided, Planned
from tidings.contracts.notifications import Notification
from tidings.projections.inbox.inbox_state import NEVER, InboxState
from tidings.projections.preferences.settings import PersonSettings, Settings
from tidings.runtime.log.position import Position

M = TypeVar("M", DeliveryMessage, InboxMessage)


class Trimmed(Exception):
    """The log no longer has all that a decision was made on."""


def recompute_planned(
    log: PersonLog, message: DeliveryMessage, planned: Planned, settings: PersonSettings
) -> Planned:
    """Return the plan that follows from `planned.as_of`; raises Trimmed.

    `settings`: those after the event `as_of.event`. Channels are those of the plan: which ones an
    installation had is not in the log.
    """
    as_of = planned.as_of
    if planned.steps[0].step == SNOOZE_STEP:
        return _recompute_wake_up(log, planned, settings)
    notification = next(
        (
            each.entry
            for each in log.inbox
            if each.sequence == as_of.entry and isinstance(each.entry, Notification)
        ),
        None,
    )
    if notification is None:
        raise Trimmed(f"the log no longer has the notification of entry {as_of.entry}")
    new = NewNotification(Position(as_of.entry), log.person, notification)
    channels = _channels_of(planned)
    if is_confirmation(notification):
        before = FoldedDeliveries(log.person, _before(log.deliveries, message.sequence))
        budget = before.confirmation_budget(as_of.at)
        steps = (plan_confirmation(log.person, notification, settings, channels, budget, as_of.at),)
    else:
        steps = (
            *(
                plan_step(new, settings, channel, place.id, as_of.at)
                for channel in channels
                for place in usable_places(settings, channel)
            ),
            escalation_step(log.person, notification),
        )
    stated = msgspec.structs.replace(planned, steps=tuple(step for step in steps if step))
    if as_of.delivery is None:
        return stated
    is_present = _is_present(log, as_of.delivery, as_of.at)
    return for_presence(new, stated, settings, is_present, as_of.delivery)


def _is_present(log: PersonLog, sequence: int, at: datetime) -> bool:
    """Return whether a person saw or read something shortly before a moment, as of an entry."""
    since = at - PRESENT_FOR
    return any(
        moment > since
        for facts in notifications_at(log, sequence).values()
        for moment in (facts.notification.seen, facts.notification.read)
        if moment
    )


def _recompute_wake_up(log: PersonLog, planned: Planned, settings: PersonSettings) -> Planned:
    """Return the messages that a snoozed notification is back, at the time that its mark says."""
    facts = notifications_at(log, planned.as_of.entry).get(planned.notification)
    until = planned.steps[0].until
    if facts is None or until is None:
        raise Trimmed(f"the log no longer has the notification {planned.notification}")
    channels = _channels_of(planned)
    steps = wake_steps(log.person, facts.notification, settings, channels, until)
    return msgspec.structs.replace(planned, steps=tuple(steps))


def _channels_of(planned: Planned) -> tuple[Channel, ...]:
    """Return the channels of a plan, in the order of its steps."""
    named = {step.channel for step in planned.steps}
    return tuple(channel for channel in sorted(PREFERENCE_CHANNEL_OF) if channel in named)


def recompute_decided(
    log: PersonLog, message: DeliveryMessage, decided: Decided, settings: Settings
) -> Decided:
    """Return the decision that follows from `decided.as_of`; raises Trimmed.

    `settings`: those after the event `as_of.event`. Whether a host had to be spared (`paced`) is
    not in the log: such a decision is returned as it is if it would be ordered without.
    """
    as_of = decided.as_of
    known = message.sequence - 1 if as_of.delivery is None else as_of.delivery
    folded = FoldedDeliveries(log.person, _before(log.deliveries, known + 1))
    delivery = folded.delivery(decided.delivery, as_of.delivery or 0)
    if delivery is None:
        raise Trimmed(f"the log no longer has the plan of delivery {decided.delivery}")
    facts = notifications_at(log, as_of.entry)
    if missing := [each for each in delivery.notifications if each not in facts]:
        raise Trimmed(f"the log no longer has the notification {missing[0]}")
    state = StateOfPeople(
        settings,
        {NotificationKey(log.person, each): facts[each] for each in delivery.notifications},
        as_of.event,
        as_of.entry,
    )
    if delivery.state == "ordered":
        before = folded.ordered_before(delivery.id) if is_capped(delivery) else 0
        judgement = judge_order(delivery, state, before, as_of.at)
    else:
        judgement = judge_due(delivery, state, as_of.at)
    entry = decided_entry(delivery, judgement, state, as_of.at)
    entry = msgspec.structs.replace(entry, as_of=as_of)
    is_paced = decided.why is not None and decided.why.code == "paced"
    return decided if is_paced and entry.state == "ordered" else entry


def notifications_at(log: PersonLog, sequence: int) -> Mapping[str, NotificationFacts]:
    """Return the notifications of a person after an entry, in the states that marks gave them."""
    state, bodies = InboxState(sys.maxsize, NEVER), dict[str, Notification]()
    for message in _before(log.inbox, sequence + 1):
        if isinstance(message.entry, Notification):
            bodies[message.entry.id] = message.entry
        state.apply(message.entry, message.sequence, message.time_nanoseconds)
    return {each: _facts(body, state) for each, body in bodies.items()}


def _facts(notification: Notification, inbox: InboxState) -> NotificationFacts:
    state = inbox.state_of(notification.id)
    if state is None:
        return NotificationFacts(notification)
    marked = msgspec.structs.replace(
        notification,
        seen=state.seen,
        read=state.read,
        archived=state.archived,
        snoozed=state.snoozed,
        acted=state.acted,
    )
    return NotificationFacts(marked, state.deleted)


def _before(messages: Iterable[M], sequence: int) -> Iterable[M]:
    return takewhile(lambda message: message.sequence < sequence, messages)
