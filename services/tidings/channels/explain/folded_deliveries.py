"""The deliveries of a person at a sequence, folded from the log as their rows are; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tidings.channels.decider.confirmation import (
    DAY,
    STEP,
    ConfirmationBudget,
    SentConfirmations,
)
from tidings.channels.decider.delivery import Delivery
from tidings.channels.decider.summaries import HOUR
from tidings.channels.explain.person_log import DeliveryMessage
from tidings.contracts.deliveries import (
    REQUESTABLE,
    Decided,
    Outcome,
    Planned,
    PlannedStep,
    Requested,
    late_delivery_id,
)
from tidings.contracts.subjects import Person


@dataclass
class _Row:
    """A delivery as its row in the read model; `items`: the sequence of each notification."""

    step: PlannedStep
    id: str
    summary: bool
    state: str
    until: datetime | None
    why: str | None
    planned: datetime
    attempt: int = 1
    ordered: int | None = None
    first_ordered: datetime | None = None
    cancelled: bool = False
    items: dict[str, int] = field(default_factory=dict[str, int])


class FoldedDeliveries:
    """All deliveries of a person, after some entries of their log."""

    def __init__(self, person: Person, messages: Iterable[DeliveryMessage] = ()) -> None:
        self.sequence = 0
        self._person = person
        self._rows: dict[str, _Row] = {}
        for message in messages:
            self.apply(message)

    def apply(self, message: DeliveryMessage) -> None:
        """Apply the next entry of the log."""
        self.sequence = message.sequence
        match message.entry:
            case Planned() as planned:
                for step in planned.steps:
                    self._join(step, (planned.notification,), message)
            case Decided() as decided:
                self._decide(decided, message)
            case Outcome() as outcome:
                if row := self._rows.get(outcome.delivery):
                    row.state, row.until, row.attempt = (
                        outcome.state,
                        outcome.until,
                        outcome.attempt,
                    )
                    row.ordered = None
            case Requested() as requested:
                self._request(requested, message)

    def delivery(self, identifier: str, as_of: int) -> Delivery | None:
        """Return a delivery as its row would be read, None if it is not known."""
        row = self._rows.get(identifier)
        if row is None:
            return None
        items = sorted((sequence, notification) for notification, sequence in row.items.items())
        channel: Any = row.step.channel
        return Delivery(
            id=row.id,
            person=self._person,
            channel=channel,
            address=row.step.to,
            summary=row.summary,
            state=row.state,
            attempt=row.attempt,
            until=row.until,
            ordered=row.ordered,
            first_ordered=row.first_ordered,
            notifications=tuple(notification for _, notification in items),
            why=row.why,
            joined=items[-1][0] if items else None,
            cancelled=row.cancelled,
            step=row.step.step,
            as_of=as_of,
        )

    def ordered_before(self, identifier: str) -> int:
        """Return how many deliveries were ordered on the same channel in the hour before one."""
        row = self._rows[identifier]
        if row.first_ordered is None:
            return 0
        return sum(
            other.first_ordered is not None
            and other.state != "dropped"
            and other.first_ordered > row.first_ordered - HOUR
            and (other.first_ordered, other.id) < (row.first_ordered, row.id)
            for other in self._rows.values()
            if other.step.channel == row.step.channel
        )

    def confirmation_budget(self, at: datetime, length: timedelta = DAY) -> ConfirmationBudget:
        """Return how many confirmations the person got in the last day."""
        sent = Counter(
            row.step.to
            for row in self._rows.values()
            if row.step.step == STEP and row.state != "dropped" and row.planned > at - length
        )
        return ConfirmationBudget(
            SentConfirmations(self._person, address, count) for address, count in sent.items()
        )

    def _join(
        self, step: PlannedStep, notifications: Iterable[str], message: DeliveryMessage
    ) -> None:
        """Add notifications to a delivery; one that comes too late for its summary has its own."""
        row = self._rows.get(step.delivery) or self._plan(step, message)
        for notification in notifications:
            target = row
            if step.summary:
                late = late_delivery_id(step.delivery, notification)
                target = self._rows.get(late) or row
                if target is row and row.state != "held":
                    target = self._plan_late(step, late, message)
            target.items.setdefault(notification, message.sequence)

    def _plan(self, step: PlannedStep, message: DeliveryMessage) -> _Row:
        is_ordered = step.state == "ordered"
        row = self._rows[step.delivery] = _Row(
            step,
            step.delivery,
            step.summary,
            step.state,
            step.until,
            step.why.code if step.why else None,
            message.appended,
            ordered=message.sequence if is_ordered else None,
            first_ordered=message.appended if is_ordered else None,
        )
        return row

    def _plan_late(self, step: PlannedStep, identifier: str, message: DeliveryMessage) -> _Row:
        why = step.why.code if step.why else None
        row = self._rows[identifier] = _Row(
            step, identifier, False, "held", step.until, why, message.appended
        )
        return row

    def _decide(self, decided: Decided, message: DeliveryMessage) -> None:
        row = self._rows.get(decided.delivery)
        if row and not _knows_less(decided, row):
            row.state, row.until, row.attempt = decided.state, decided.until, decided.attempt
            row.why = decided.why.code if decided.why else None
            is_ordered = decided.state == "ordered"
            row.ordered = message.sequence if is_ordered else None
            if is_ordered:
                row.first_ordered = row.first_ordered or message.appended
        for moved in decided.moved:
            self._join(moved.step, moved.notifications, message)
            if row and decided.joined is not None:
                for notification in moved.notifications:
                    row.items.pop(notification, None)

    def _request(self, requested: Requested, message: DeliveryMessage) -> None:
        row, cancels = self._rows.get(requested.delivery), requested.request == "cancel"
        if row is None or row.state not in REQUESTABLE[requested.request]:
            return
        if cancels and row.cancelled:
            return
        if row.state not in ("ordered", "claimed"):
            row.until = message.appended
        row.cancelled = cancels
        if not cancels:
            row.state, row.first_ordered = "deferred", None


def _knows_less(decided: Decided, row: _Row) -> bool:
    """Return whether a delivery is dropped by a decision that does not know all of it."""
    joined = decided.joined
    return (
        decided.state == "dropped"
        and joined is not None
        and any(sequence > joined for sequence in row.items.values())
    )
