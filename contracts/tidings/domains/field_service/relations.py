"""The relation of technicians to work orders."""

from __future__ import annotations

from tidings.contracts.relations import (
    ObjectDeleted,
    RelationChanges,
    RelationClosed,
    RelationOpened,
)
from tidings.domains.field_service.events import (
    WorkOrderAssigned,
    WorkOrderDeleted,
    WorkOrderUnassigned,
)

RELATIONS: RelationChanges = {
    WorkOrderAssigned: lambda event: [
        RelationOpened(f"work_order:{event.work_order_id}", "technician", event.technician_id)
    ],
    WorkOrderUnassigned: lambda event: [
        RelationClosed(f"work_order:{event.work_order_id}", "technician", event.technician_id)
    ],
    WorkOrderDeleted: lambda event: [ObjectDeleted(f"work_order:{event.work_order_id}")],
}
