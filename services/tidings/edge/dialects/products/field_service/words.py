"""The field service's words: a notification's type, priority and metadata; pure."""

from __future__ import annotations

from typing import Any

import msgspec
from tidings.contracts.notifications import Notification, Priority

ISSUE_DETECTED = "issue_detected"
OFFICE_ALERT = "office_alert"
STATUS_UPDATE = "status_update"
EQUIPMENT_ALERT = "equipment_alert"
INVENTORY_ALERT = "inventory_alert"
WORK_ORDER_UPDATE = "work_order_update"
TYPES = (
    ISSUE_DETECTED,
    OFFICE_ALERT,
    STATUS_UPDATE,
    EQUIPMENT_ALERT,
    INVENTORY_ALERT,
    WORK_ORDER_UPDATE,
)

PRIORITIES: dict[Priority, int] = {"low": 1, "normal": 1, "high": 2, "critical": 3}

ENTITY_TYPES = {
    "work_order": WORK_ORDER_UPDATE,
    "equipment": EQUIPMENT_ALERT,
    "item": INVENTORY_ALERT,
}
"""The type of a notification that names none of `TYPES`, by the type of its entity."""

METADATA_SOURCES: dict[str, dict[str, str]] = {
    STATUS_UPDATE: {"work_order_id": "work_order_id", "status": "status", "notes": "notes"},
    ISSUE_DETECTED: {"work_order_id": "work_order_id", "issue_description": "issues"},
    OFFICE_ALERT: {
        "work_order_id": "work_order_id",
        "status": "status",
        "notes": "notes",
        "issues": "issues",
    },
}
"""For the types with documented metadata: each field, and the event's field that it is taken from.
"""

_UPDATE = "work_order.updated"
_decode_data = msgspec.json.Decoder(dict[str, Any]).decode


def type_of(notification: Notification) -> str:
    """Return one of `TYPES`: its type or category if that is one, else by its entity."""
    for word in (notification.type, notification.category.lower()):
        if word in TYPES:
            return word
    if "work_order" in notification.references:
        return WORK_ORDER_UPDATE
    entity_type = notification.entity.type if notification.entity else ""
    return ENTITY_TYPES.get(entity_type, OFFICE_ALERT)


def metadata_of(notification: Notification) -> dict[str, Any]:
    """Return the metadata: of an update of a work order, exactly the documented fields.

    Of other events it is their data; the documented fields of the type are there too, so that
    clients can read them.
    """
    data = _decode_data(notification.data)
    if work_order := notification.references.get("work_order"):
        data.setdefault("work_order_id", work_order)
    sources = METADATA_SOURCES.get(type_of(notification), {})
    documented = {field: data.get(field, data.get(source)) for field, source in sources.items()}
    return documented if notification.type == _UPDATE else {**data, **documented}


def notification_fields(notification: Notification) -> dict[str, Any]:
    """Return the fields of the product's `Notification`."""
    return {
        "id": notification.id,
        "type": type_of(notification),
        "message": notification.message,
        "timestamp": notification.created,
        "priority": PRIORITIES[notification.priority],
        "metadata": metadata_of(notification),
        "recipient_ids": [notification.user],
        "read": notification.read is not None,
    }
