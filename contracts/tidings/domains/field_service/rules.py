"""Rules of a field service."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity, Filter, Priority
from tidings.contracts.relations import Recipients, Relation
from tidings.contracts.rules import MESSAGE, Retract, Rule, Tell, given_users, without_none
from tidings.domains.field_service.events import (
    EquipmentAlert,
    InventoryAlert,
    TechnicianNotified,
    WorkOrderAssigned,
    WorkOrderDeleted,
    WorkOrderUnassigned,
    WorkOrderUpdated,
)

OFFICE = Relation("tenant", "office")


def work_order_assigned(recorded: RecordedEvent[WorkOrderAssigned]) -> Iterator[Tell]:
    """Notify a technician of the work order that was assigned to them."""
    event = recorded.event
    yield Tell(
        to=(event.technician_id,),
        values={"id": event.work_order_id},
        category="work_order_update",
        entity=Entity(type="work_order", id=event.work_order_id),
        references={"work_order": event.work_order_id},
        include_actor=True,
    )


def work_order_updated(recorded: RecordedEvent[WorkOrderUpdated]) -> Iterator[Tell]:
    """Notify the office and the technicians of a work order of its status."""
    event = recorded.event
    yield Tell(
        to=work_order_recipients(event.work_order_id),
        values={"id": event.work_order_id, "status": event.status},
        category="status_update",
        entity=Entity(type="work_order", id=event.work_order_id),
        references={"work_order": event.work_order_id},
        include_actor=True,
    )


def work_order_issue_reported(recorded: RecordedEvent[WorkOrderUpdated]) -> Iterator[Tell]:
    """Notify the office and the technicians of an issue, if the update reports one."""
    event = recorded.event
    if event.issues:
        yield Tell(
            to=work_order_recipients(event.work_order_id),
            values={"id": event.work_order_id, "issues": event.issues},
            category="issue_detected",
            level="warning",
            priority="high",
            entity=Entity(type="work_order", id=event.work_order_id),
            references={"work_order": event.work_order_id},
            include_actor=True,
        )


def office_alert_requested(recorded: RecordedEvent[WorkOrderUpdated]) -> Iterator[Tell]:
    """Alert the office, if the update requests it."""
    event = recorded.event
    if event.alert_office:
        yield Tell(
            to=(OFFICE,),
            values={"id": event.work_order_id},
            category="office_alert",
            level="error",
            priority="critical",
            entity=Entity(type="work_order", id=event.work_order_id),
            references={"work_order": event.work_order_id},
            include_actor=True,
        )


def technician_notified(recorded: RecordedEvent[TechnicianNotified]) -> Iterator[Tell]:
    """Forward a message to a technician."""
    event = recorded.event
    yield Tell(
        to=(event.technician_id,),
        values={"message": event.message},
        category="work_order_update" if event.work_order_id else "office_alert",
        priority=MANUAL_PRIORITIES.get(event.priority.lower(), "normal"),
        entity=Entity(type="work_order", id=event.work_order_id) if event.work_order_id else None,
        references=without_none(work_order=event.work_order_id),
        include_actor=True,
    )


def work_order_unassigned(recorded: RecordedEvent[WorkOrderUnassigned]) -> Iterator[Retract]:
    """Retract an unread assignment and unread updates from a technician; messages to them stay."""
    event = recorded.event
    entity = f"work_order:{event.work_order_id}"
    yield Retract(
        to=(event.technician_id,),
        filter=Filter(type=WorkOrderAssigned.type, entity=entity, unread=True),
    )
    yield Retract(
        to=(event.technician_id,),
        unless=(OFFICE,),
        filter=Filter(type=WorkOrderUpdated.type, entity=entity, unread=True),
    )


def work_order_deleted(recorded: RecordedEvent[WorkOrderDeleted]) -> Iterator[Tell | Retract]:
    """Replace all notifications of a work order by one that it was deleted."""
    event = recorded.event
    actor = recorded.attributes.actor or event.deleted_by
    yield Retract(
        to=work_order_recipients(event.work_order_id),
        as_of_previous=True,
        filter=Filter(entity=f"work_order:{event.work_order_id}"),
    )
    yield Tell(
        to=work_order_recipients(event.work_order_id),
        as_of_previous=True,
        actor=actor,
        values={"id": event.work_order_id, **({"actor": actor} if actor else {})},
        wording="by" if actor else MESSAGE,
        category="status_update",
        level="warning",
        entity=Entity(type="work_order", id=event.work_order_id),
        references={"work_order": event.work_order_id},
        include_actor=True,
    )


def work_order_recipients(work_order_id: str) -> Recipients:
    """Return the office and the technicians of a work order."""
    return OFFICE, Relation(f"work_order:{work_order_id}", "technician")


MANUAL_PRIORITIES: dict[str, Priority] = {
    "low": "low",
    "high": "high",
    "urgent": "critical",
    "critical": "critical",
}
"""The priority that a word of a message to a technician means; any other word means normal."""

SEVERITIES: dict[str, Priority] = {
    "low": "low",
    "normal": "normal",
    "medium": "normal",
    "high": "high",
    "critical": "critical",
}


def equipment_alert(recorded: RecordedEvent[EquipmentAlert]) -> Iterator[Tell]:
    """Notify the office and the technician of a fault; its severity becomes the priority."""
    event = recorded.event
    yield Tell(
        to=(OFFICE, *given_users((event.technician_id,))),
        values={"name": event.name, "message": event.message},
        category="equipment_alert",
        level="warning",
        priority=SEVERITIES.get(event.severity or "", "high"),
        entity=Entity(type="equipment", id=event.equipment_id),
        include_actor=True,
    )


def inventory_alert(recorded: RecordedEvent[InventoryAlert]) -> Iterator[Tell]:
    """Notify the office and the technician that an item runs out."""
    event = recorded.event
    yield Tell(
        to=(OFFICE, *given_users((event.technician_id,))),
        values={"name": event.name, "quantity": event.quantity, "threshold": event.threshold},
        category="inventory_alert",
        level="warning",
        priority="high",
        entity=Entity(type="item", id=event.item_id),
        include_actor=True,
    )


RULES: tuple[Rule, ...] = (
    Rule("work_order_assigned_to_you", WorkOrderAssigned, work_order_assigned),
    Rule("work_order_status", WorkOrderUpdated, work_order_updated),
    Rule("work_order_issue", WorkOrderUpdated, work_order_issue_reported),
    Rule("work_order_office_alert", WorkOrderUpdated, office_alert_requested),
    Rule("work_order_no_longer_yours", WorkOrderUnassigned, work_order_unassigned, templates=False),
    Rule("work_order_deleted", WorkOrderDeleted, work_order_deleted),
    Rule("technician_notified", TechnicianNotified, technician_notified),
    Rule("equipment_alert", EquipmentAlert, equipment_alert),
    Rule("inventory_alert", InventoryAlert, inventory_alert),
)
