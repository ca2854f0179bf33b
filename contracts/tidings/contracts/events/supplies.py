"""Supplies of a field service: equipment that needs attention, and stock that runs out."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


class EquipmentAlert(Event, frozen=True, kw_only=True):
    """Something is wrong with a piece of equipment."""

    type: ClassVar[str] = "equipment.alert"
    equipment_id: Id
    name: str
    message: str
    technician_id: Id | None = None
    severity: str | None = None


class InventoryAlert(Event, frozen=True, kw_only=True):
    """Less is left of something than there should be."""

    type: ClassVar[str] = "inventory.alert"
    item_id: Id
    name: str
    quantity: float
    threshold: float
    technician_id: Id | None = None
