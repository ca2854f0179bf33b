"""Who is told what about work orders."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.events import Recorded, TechnicianNotified, WorkOrderUpdated
from contracts.notifications import Entity
from services.notifier.rule import OFFICE, Audience, Relation, Rule, Tell, references


def status_updated(recorded: Recorded[WorkOrderUpdated]) -> Iterator[Tell]:
    """Tell the office and the technicians on a work order where it stands."""
    event = recorded.event
    yield Tell(
        to=concerned(event),
        says={"id": event.work_order_id, "status": event.status},
        category="STATUS_UPDATE",
        entity=Entity(type="work_order", id=event.work_order_id),
        references={"work_order": event.work_order_id},
    )


def issue_detected(recorded: Recorded[WorkOrderUpdated]) -> Iterator[Tell]:
    """Tell the same people what is wrong, if something is."""
    event = recorded.event
    if event.issues:
        yield Tell(
            to=concerned(event),
            says={"id": event.work_order_id, "issues": event.issues},
            category="ISSUE_DETECTED",
            level="warning",
            priority="high",
            entity=Entity(type="work_order", id=event.work_order_id),
            references={"work_order": event.work_order_id},
        )


def office_alerted(recorded: Recorded[WorkOrderUpdated]) -> Iterator[Tell]:
    """Call the office, if somebody asks for it."""
    event = recorded.event
    if event.alert_office:
        yield Tell(
            to=(OFFICE,),
            says={"id": event.work_order_id},
            category="OFFICE_ALERT",
            level="error",
            priority="critical",
            entity=Entity(type="work_order", id=event.work_order_id),
            references={"work_order": event.work_order_id},
        )


def technician_notified(recorded: Recorded[TechnicianNotified]) -> Iterator[Tell]:
    """Pass on to a technician what was written to them."""
    event = recorded.event
    yield Tell(
        to=(event.technician_id,),
        says={"message": event.message},
        category="MANUAL",
        priority=event.priority,
        entity=Entity(type="work_order", id=event.work_order_id) if event.work_order_id else None,
        references=references(work_order=event.work_order_id),
    )


def concerned(event: WorkOrderUpdated) -> Audience:
    """The office and whoever is on the work order."""
    return OFFICE, Relation(f"work_order:{event.work_order_id}", "technician")


RULES = (
    Rule("work_order_status", WorkOrderUpdated, status_updated),
    Rule("work_order_issue", WorkOrderUpdated, issue_detected),
    Rule("work_order_office_alert", WorkOrderUpdated, office_alerted),
    Rule("technician_notified", TechnicianNotified, technician_notified),
)
