"""The field service: water in a cellar, the technician who finds it, and the office that sends the pump."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidings.cli.terminal.stories.story import Fact, FrontEnd, Happens, Leaves, Returns, Story
from tidings.contracts.events import (
    InventoryAlert,
    RoleGranted,
    TechnicianNotified,
    WorkOrderAssigned,
    WorkOrderUpdated,
)

URGENCY = {1: "", 2: "! ", 3: "!!! "}


def shows(frame: Mapping[str, Any]) -> str | None:
    """A line of the dashboard."""
    notification = frame.get("data", {}).get("notification")
    return (
        notification
        and f"{URGENCY[notification['priority']]}{notification['type']} · {notification['message']}"
    )


FIELD_SERVICE = Story(
    name="field-service",
    title="Field service: water in the cellar",
    front_end=FrontEnd("/ws", shows),
    people={"olga": "at the office", "tom": "technician", "uma": "technician"},
    before=(
        Fact(RoleGranted(user_id="olga", role="office")),
        Fact(WorkOrderAssigned(work_order_id="4711", technician_id="tom"), "olga"),
    ),
    scenes=(
        Happens(
            "Tom arrives at Mill Lane.",
            (Fact(WorkOrderUpdated(work_order_id="4711", status="in progress"), "tom"),),
            {"olga": 1},
        ),
        Happens(
            "Tom opens the cellar door, and calls the office.",
            (
                Fact(
                    WorkOrderUpdated(
                        work_order_id="4711",
                        status="blocked",
                        issues="water in the cellar",
                        alert_office=True,
                    ),
                    "tom",
                ),
            ),
            {"olga": 3},
        ),
        Leaves("Tom goes down into the cellar, where there is no signal.", "tom"),
        Happens(
            "Olga sends Uma with the big pump, and writes to Tom.",
            (
                Fact(WorkOrderAssigned(work_order_id="4711", technician_id="uma"), "olga"),
                Fact(
                    TechnicianNotified(
                        technician_id="tom",
                        work_order_id="4711",
                        message="Uma is on her way",
                        priority="high",
                    ),
                    "olga",
                ),
                Fact(WorkOrderUpdated(work_order_id="4711", status="pumping"), "uma"),
            ),
            {"olga": 1},
        ),
        Returns("Tom comes up again.", "tom", 2),
        Happens(
            "The hoses are used up.",
            (
                Fact(
                    InventoryAlert(
                        item_id="hose",
                        name="hose, 20 m",
                        quantity=1,
                        threshold=4,
                        technician_id="uma",
                    )
                ),
            ),
            {"olga": 1, "uma": 1},
        ),
    ),
)
