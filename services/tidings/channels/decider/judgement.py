"""The judgement of a delivery: what becomes of it, on the settings and states of a moment; pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tidings.channels.decider.delivery import Delivery
from tidings.channels.decider.places import Place, find_place, place_veto
from tidings.channels.decider.state import StateOfPeople
from tidings.channels.decider.when import (
    LONGEST_DELAY,
    Decision,
    NotificationFacts,
    decide,
    undisturbed,
)
from tidings.contracts.deliveries import AsOf, Decided, Reason
from tidings.contracts.notifications import Notification
from tidings.projections.preferences.settings import PersonSettings

SUMMARY_LIMIT_NOTIFICATIONS = 100
"""A summary shows the newest of them, and how many there are."""


class Judgement(NamedTuple):
    """A decision; the notifications that the delivery tells of, the newest last; their number."""

    decision: Decision
    notifications: tuple[Notification, ...] = ()
    total: int = 0
    place: Place | None = None


def judge(delivery: Delivery, state: StateOfPeople, at: datetime) -> Judgement:
    """Return what becomes of a delivery that is due or ordered, at a moment."""
    settings = state.settings.people[delivery.person]
    place = find_place(settings, delivery.channel, delivery.address)
    if veto := place_veto(place):
        return Judgement(Decision("dropped", why=veto))
    if delivery.until and at - delivery.until > LONGEST_DELAY:
        return Judgement(Decision("dropped", why=Reason(code="expired")))
    facts = [state.notifications[key] for key in delivery.keys if key in state.notifications]
    if not facts:  # its rows are swept, so it is older than all that is retained
        return Judgement(Decision("dropped", why=Reason(code="expired")))
    if delivery.summary:
        return _judge_summary(delivery, facts, settings, at)._replace(place=place)
    decision = decide(facts[0], settings, delivery.channel, at)
    return Judgement(decision, (facts[0].notification,), 1, place)


def decided_entry(
    delivery: Delivery, judgement: Judgement, state: StateOfPeople, at: datetime
) -> Decided:
    """Return the entry that states a judgement; an attempt that is repeated has the next number."""
    decision = judgement.decision
    is_repeated = delivery.state in ("deferred", "doubtful", "claimed")
    return Decided(
        delivery=delivery.id,
        as_of=AsOf(event=state.as_of_event, entry=state.as_of_entry, at=at),
        state=decision.state,
        until=decision.until,
        why=decision.why,
        notifications=tuple(each.id for each in judgement.notifications)
        if delivery.summary and decision.state == "ordered"
        else (),
        total=judgement.total if delivery.summary else 0,
        attempt=delivery.attempt + is_repeated,
    )


def _judge_summary(
    delivery: Delivery, facts: list[NotificationFacts], settings: PersonSettings, at: datetime
) -> Judgement:
    """Drop a summary of which nothing is left; else it leaves once its reader may be disturbed."""
    decisions = [(each, _veto(each, settings, delivery, at)) for each in facts]
    left = [each.notification for each, veto in decisions if veto is None]
    if not left:
        return Judgement(Decision("dropped", why=decisions[-1][1]))
    left.sort(key=lambda notification: (notification.created, notification.id))
    moment, why = undisturbed(settings, delivery.channel, at)
    if moment is None:
        return Judgement(Decision("dropped", why=why))
    decision = Decision("held", moment, why) if moment > at else Decision("ordered")
    return Judgement(decision, tuple(left[-SUMMARY_LIMIT_NOTIFICATIONS:]), len(left))


def _veto(
    facts: NotificationFacts, settings: PersonSettings, delivery: Delivery, at: datetime
) -> Reason | None:
    decision = decide(facts, settings, delivery.channel, at)
    return decision.why if decision.state == "dropped" else None
