"""Who is told what about volunteers' hours."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import Recorded, TimelogApproved, TimelogRejected
from tidings.contracts.notifications import Entity
from tidings.notifier.rule import Rule, Tell, references


def hours_approved(recorded: Recorded[TimelogApproved]) -> Iterator[Tell]:
    """Tell a volunteer that their hours count."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={"hours": event.hours, "reason": event.reason or ""},
        wording="reasoned" if event.reason else "message",
        category="timelog",
        level="success",
        entity=Entity(type="timelog", id=event.timelog_id),
        references=references(project=event.project_id, task=event.task_id),
    )


def hours_rejected(recorded: Recorded[TimelogRejected]) -> Iterator[Tell]:
    """Tell a volunteer that their hours were not accepted, and why."""
    event = recorded.event
    yield Tell(
        to=(event.user_id,),
        says={"hours": event.hours, "reason": event.reason or ""},
        wording="reasoned" if event.reason else "message",
        category="timelog",
        level="warning",
        entity=Entity(type="timelog", id=event.timelog_id),
        references=references(project=event.project_id, task=event.task_id),
    )


RULES = (
    Rule("hours_approved", TimelogApproved, hours_approved),
    Rule("hours_rejected", TimelogRejected, hours_rejected),
)
