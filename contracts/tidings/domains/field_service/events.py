"""Events of a field service: work orders, messages to technicians, equipment and stock."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta
from tidings.contracts.event import Event
from tidings.contracts.ids import Id

PRIORITY_LIMIT_CHARACTERS = 50


class WorkOrderAssigned(Event, frozen=True, kw_only=True):
    """A work order was assigned to a technician."""

    type: ClassVar[str] = "work_order.assigned"
    work_order_id: Id
    technician_id: Id


class WorkOrderUnassigned(Event, frozen=True, kw_only=True):
    """A work order is no longer assigned to a technician."""

    type: ClassVar[str] = "work_order.unassigned"
    work_order_id: Id
    technician_id: Id


class WorkOrderUpdated(Event, frozen=True, kw_only=True):
    """A work order has a new status; it may report issues or request the office."""

    type: ClassVar[str] = "work_order.updated"
    work_order_id: Id
    status: str
    notes: str | None = None
    issues: str | None = None
    alert_office: bool = False


class WorkOrderDeleted(Event, frozen=True, kw_only=True):
    """A work order was deleted, and with it all relations to it."""

    type: ClassVar[str] = "work_order.deleted"
    work_order_id: Id
    deleted_by: Id | None = None


class TechnicianNotified(Event, frozen=True, kw_only=True):
    """A message was sent to a technician.

    `priority` is a free word: low, normal, high and urgent have a meaning, any other is normal.
    """

    type: ClassVar[str] = "technician.notified"
    technician_id: Id
    message: str
    work_order_id: Id | None = None
    priority: Annotated[str, Meta(max_length=PRIORITY_LIMIT_CHARACTERS)] = "normal"


class EquipmentAlert(Event, frozen=True, kw_only=True):
    """A piece of equipment has a fault."""

    type: ClassVar[str] = "equipment.alert"
    equipment_id: Id
    name: str
    message: str
    technician_id: Id | None = None
    severity: str | None = None


class InventoryAlert(Event, frozen=True, kw_only=True):
    """The stock of an item fell below its threshold."""

    type: ClassVar[str] = "inventory.alert"
    item_id: Id
    name: str
    quantity: float
    threshold: float
    technician_id: Id | None = None


EVENTS: tuple[type[Event], ...] = (
    WorkOrderAssigned,
    WorkOrderUnassigned,
    WorkOrderUpdated,
    WorkOrderDeleted,
    TechnicianNotified,
    EquipmentAlert,
    InventoryAlert,
)
