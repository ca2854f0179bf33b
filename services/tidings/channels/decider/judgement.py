"""The judgement of a delivery: what becomes of it, on the settings and states of a moment; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tidings.channels.decider.confirmation import confirmation_veto, is_confirmation
from tidings.channels.decider.delivery import Delivery
from tidings.channels.decider.extra_steps import is_escalation, judge_escalation, wake_veto
from tidings.channels.decider.places import Place, find_place, place_veto
from tidings.channels.decider.state import StateOfPeople
from tidings.channels.decider.summaries import (
    Window,
    capped_window,
    digest_window,
    later_digests,
    moved_to,
    quiet_window,
)
from tidings.channels.decider.when import (
    LONGEST_DELAY,
    Decision,
    NotificationFacts,
    decide,
    undisturbed,
)
from tidings.contracts.deliveries import AsOf, Decided, Moved, Reason
from tidings.contracts.notifications import Notification
from tidings.projections.preferences.settings import PersonSettings

SUMMARY_LIMIT_NOTIFICATIONS = 100
"""A summary shows the newest of them, and how many there are."""


class Judgement(NamedTuple):
    """A decision; the notifications that the delivery tells of, the newest last; their number.

    `moved`: those that join summaries instead.
    """

    decision: Decision
    notifications: tuple[Notification, ...] = ()
    total: int = 0
    place: Place | None = None
    moved: tuple[Moved, ...] = ()


def judge(delivery: Delivery, state: StateOfPeople, at: datetime) -> Judgement:
    """Return what becomes of a delivery that is ordered, at a moment."""
    if delivery.cancelled:
        return Judgement(Decision("dropped", why=Reason(code="cancelled")))
    settings = state.settings.people[delivery.person]
    facts = [state.notifications[key] for key in delivery.keys if key in state.notifications]
    if is_escalation(delivery):
        decision = judge_escalation(facts[0] if facts else None, at)
        return Judgement(decision, tuple(each.notification for each in facts), 1)
    place = find_place(settings, delivery.channel, delivery.address)
    if facts and is_confirmation(facts[0].notification):
        return _judge_confirmation(facts[0], place, at)
    if veto := place_veto(place):
        return Judgement(Decision("dropped", why=veto))
    if delivery.until and at - delivery.until > LONGEST_DELAY:
        return Judgement(Decision("dropped", why=Reason(code="expired")))
    if not facts:  # its rows are swept, so it is older than all that is retained
        return Judgement(Decision("dropped", why=Reason(code="expired")))
    if delivery.summary:
        return _judge_summary(delivery, facts, settings, at)._replace(place=place)
    return _judge_single(delivery, facts[0], settings, at)._replace(place=place)


def _judge_single(
    delivery: Delivery, facts: NotificationFacts, settings: PersonSettings, at: datetime
) -> Judgement:
    if veto := wake_veto(delivery, facts):
        return Judgement(Decision("dropped", why=veto))
    decision = decide(facts, settings, delivery.channel, at)
    return Judgement(decision, (facts.notification,), 1)


def judge_due(delivery: Delivery, state: StateOfPeople, at: datetime) -> Judgement:
    """Return what becomes of a delivery that is due: its notifications may join a summary."""
    judgement = judge(delivery, state, at)
    is_final = judgement.decision.state == "dropped" or not judgement.notifications
    if is_final or delivery.state != "held" or not _may_join(delivery, judgement):
        return judgement
    settings = state.settings.people[delivery.person]
    if delivery.summary:
        return _without_later_digests(delivery, judgement, settings, at)
    notification = judgement.notifications[0]
    window = digest_window(notification, settings, delivery.channel, at) or quiet_window(
        judgement.decision, delivery.channel
    )
    return _move(delivery, judgement, settings, window)


def _may_join(delivery: Delivery, judgement: Judgement) -> bool:
    return not (is_escalation(delivery) or is_confirmation(judgement.notifications[0]))


def judge_order(
    delivery: Delivery, state: StateOfPeople, ordered_before: int, at: datetime
) -> Judgement:
    """Return what becomes of an order: beyond the limit of an hour it joins a summary.

    `ordered_before`: how many were ordered for the person in the hour before it.
    """
    judgement = judge(delivery, state, at)
    if judgement.decision.state != "ordered" or is_confirmation(judgement.notifications[0]):
        return judgement
    settings = state.settings.people[delivery.person]
    window = capped_window(delivery, judgement.notifications[0], settings, ordered_before, at)
    return _move(delivery, judgement, settings, window)


def decided_entry(
    delivery: Delivery, judgement: Judgement, state: StateOfPeople, at: datetime
) -> Decided:
    """Return the entry that states a judgement; an attempt that is repeated has the next number."""
    decision = judgement.decision
    is_repeated = delivery.state in ("deferred", "doubtful", "claimed")
    return Decided(
        delivery=delivery.id,
        as_of=AsOf(
            event=state.as_of_event, entry=state.as_of_entry, at=at, delivery=delivery.as_of or None
        ),
        state=decision.state,
        until=decision.until,
        why=decision.why,
        notifications=tuple(
            each.id for each in judgement.notifications[-SUMMARY_LIMIT_NOTIFICATIONS:]
        )
        if delivery.summary and decision.state == "ordered"
        else (),
        total=judgement.total if delivery.summary else 0,
        attempt=delivery.attempt + is_repeated,
        moved=judgement.moved,
        joined=delivery.joined if delivery.summary else None,
    )


def _judge_confirmation(facts: NotificationFacts, place: Place | None, at: datetime) -> Judgement:
    """Let a confirmation leave at once, whether or not its notification was read."""
    veto = (
        Reason(code="retracted")
        if facts.retracted
        else confirmation_veto(facts.notification, place, at)
    )
    decision = Decision("dropped", why=veto) if veto else Decision("ordered")
    return Judgement(decision, (facts.notification,), 1, place)


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
    return _summary_of(decision, left)


def _summary_of(decision: Decision, left: Sequence[Notification]) -> Judgement:
    return Judgement(decision, tuple(left), len(left))


def _without_later_digests(
    delivery: Delivery, judgement: Judgement, settings: PersonSettings, at: datetime
) -> Judgement:
    """Leave out what belongs to a later digest, because its reader moved its time meanwhile."""
    later = later_digests(judgement.notifications, delivery, settings, at)
    moved = moved_to(later, delivery, settings)
    gone = {identifier for each in moved for identifier in each.notifications}
    left = [each for each in judgement.notifications if each.id not in gone]
    decision = judgement.decision if left else _superseded(moved)
    return _summary_of(decision, left)._replace(place=judgement.place, moved=moved)


def _move(
    delivery: Delivery, judgement: Judgement, settings: PersonSettings, window: Window | None
) -> Judgement:
    """Let the one notification of a delivery join the summary of a window, if there is one."""
    joining = [(judgement.notifications[0], window)] if window else ()
    moved = moved_to(joining, delivery, settings)
    if not moved:
        return judgement
    return judgement._replace(decision=_superseded(moved), moved=moved)


def _superseded(moved: Sequence[Moved]) -> Decision:
    return Decision(
        "dropped", why=Reason(code="superseded", row=f"summary {moved[0].step.delivery}")
    )


def _veto(
    facts: NotificationFacts, settings: PersonSettings, delivery: Delivery, at: datetime
) -> Reason | None:
    decision = decide(facts, settings, delivery.channel, at)
    return decision.why if decision.state == "dropped" else None
