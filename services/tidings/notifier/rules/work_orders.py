"""Who is told what about work orders."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import (
    Recorded,
    TechnicianNotified,
    WorkOrderDeleted,
    WorkOrderUnassigned,
    WorkOrderUpdated,
)
from tidings.contracts.notifications import Entity, Filter
from tidings.notifier.rule import OFFICE, Audience, Relation, Retract, Rule, Tell, references
from tidings.notifier.texts import MESSAGE


def status_updated(recorded: Recorded[WorkOrderUpdated]) -> Iterator[Tell]:
    """Tell the office and the technicians on a work order where it stands."""
    event = recorded.event
    yield Tell(
        to=concerned(event.work_order_id),
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
            to=concerned(event.work_order_id),
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


def unassigned(recorded: Recorded[WorkOrderUnassigned]) -> Iterator[Retract]:
    """Take back from a technician what they have not read of a work order; what somebody wrote to them stays."""
    event = recorded.event
    about = Filter(
        type=WorkOrderUpdated.type, entity=f"work_order:{event.work_order_id}", unread=True
    )
    yield Retract(to=(event.technician_id,), unless=(OFFICE,), filter=about)


def deleted(recorded: Recorded[WorkOrderDeleted]) -> Iterator[Tell | Retract]:
    """Instead of all that the office and the technicians were told of a work order, tell them that it is no more."""
    event = recorded.event
    actor = recorded.attributes.actor or event.deleted_by
    yield Retract(
        to=concerned(event.work_order_id),
        before=True,
        filter=Filter(entity=f"work_order:{event.work_order_id}"),
    )
    yield Tell(
        to=concerned(event.work_order_id),
        before=True,
        actor=actor,
        says={"id": event.work_order_id, **({"actor": actor} if actor else {})},
        wording="by" if actor else MESSAGE,
        category="STATUS_UPDATE",
        level="warning",
        entity=Entity(type="work_order", id=event.work_order_id),
        references={"work_order": event.work_order_id},
    )


def concerned(work_order_id: str) -> Audience:
    """The office and whoever is on the work order."""
    return OFFICE, Relation(f"work_order:{work_order_id}", "technician")


RULES = (
    Rule("work_order_status", WorkOrderUpdated, status_updated),
    Rule("work_order_issue", WorkOrderUpdated, issue_detected),
    Rule("work_order_office_alert", WorkOrderUpdated, office_alerted),
    Rule("work_order_no_longer_yours", WorkOrderUnassigned, unassigned, wordless=True),
    Rule("work_order_deleted", WorkOrderDeleted, deleted),
    Rule("technician_notified", TechnicianNotified, technician_notified),
)
