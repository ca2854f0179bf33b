"""Who is told what about equipment and stock."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import EquipmentAlert, InventoryAlert, Recorded
from tidings.contracts.notifications import Entity, Priority
from tidings.notifier.rule import OFFICE, Rule, Tell, named

SEVERITIES: dict[str, Priority] = {
    "low": "low",
    "normal": "normal",
    "medium": "normal",
    "high": "high",
    "critical": "critical",
}


def equipment_alert(recorded: Recorded[EquipmentAlert]) -> Iterator[Tell]:
    """Tell the office, and the technician concerned, what is wrong with a piece of equipment; as urgently as it is severe."""
    event = recorded.event
    yield Tell(
        to=(OFFICE, *named((event.technician_id,))),
        says={"name": event.name, "message": event.message},
        category="EQUIPMENT_ALERT",
        level="warning",
        priority=SEVERITIES.get(event.severity or "", "high"),
        entity=Entity(type="equipment", id=event.equipment_id),
    )


def inventory_alert(recorded: Recorded[InventoryAlert]) -> Iterator[Tell]:
    """Tell the office, and the technician concerned, that something runs out."""
    event = recorded.event
    yield Tell(
        to=(OFFICE, *named((event.technician_id,))),
        says={"name": event.name, "quantity": event.quantity, "threshold": event.threshold},
        category="INVENTORY_ALERT",
        level="warning",
        priority="high",
        entity=Entity(type="item", id=event.item_id),
    )


RULES = (
    Rule("equipment_alert", EquipmentAlert, equipment_alert),
    Rule("inventory_alert", InventoryAlert, inventory_alert),
)
