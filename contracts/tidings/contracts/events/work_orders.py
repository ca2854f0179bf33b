"""Work orders of a field service: who is on one, what becomes of it, and what a technician is told by hand."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Priority


class WorkOrderAssigned(Event, frozen=True, kw_only=True):
    """A technician was sent to a work order."""

    type: ClassVar[str] = "work_order.assigned"
    work_order_id: Id
    technician_id: Id


class WorkOrderUnassigned(Event, frozen=True, kw_only=True):
    """A technician is no longer on a work order."""

    type: ClassVar[str] = "work_order.unassigned"
    work_order_id: Id
    technician_id: Id


class WorkOrderUpdated(Event, frozen=True, kw_only=True):
    """A work order moved on; perhaps something is wrong with it, or the office is called for."""

    type: ClassVar[str] = "work_order.updated"
    work_order_id: Id
    status: str
    notes: str | None = None
    issues: str | None = None
    alert_office: bool = False


class WorkOrderDeleted(Event, frozen=True, kw_only=True):
    """A work order is no more, nor is anybody on it."""

    type: ClassVar[str] = "work_order.deleted"
    work_order_id: Id
    deleted_by: Id | None = None


class TechnicianNotified(Event, frozen=True, kw_only=True):
    """Somebody wrote to a technician."""

    type: ClassVar[str] = "technician.notified"
    technician_id: Id
    message: str
    work_order_id: Id | None = None
    priority: Priority = "normal"
