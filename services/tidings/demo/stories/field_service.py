"""The field service: a technician finds water in a cellar, and the office sends a pump."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidings.demo.stories.story import (
    EventsScene,
    FrontEnd,
    LeaveScene,
    ReturnScene,
    Story,
    StoryEvent,
)
from tidings.domains.field_service.events import (
    InventoryAlert,
    TechnicianNotified,
    WorkOrderAssigned,
    WorkOrderUpdated,
)
from tidings.domains.people.events import RoleGranted

URGENCY = {1: "", 2: "! ", 3: "!!! "}


def format_frame(frame: Mapping[str, Any]) -> str | None:
    """A line of the dashboard."""
    notification = frame.get("data", {}).get("notification")
    return (
        notification
        and f"{URGENCY[notification['priority']]}{notification['type']} · {notification['message']}"
    )


FIELD_SERVICE = Story(
    name="field-service",
    title="Field service: water in the cellar",
    front_end=FrontEnd("/ws", format_frame),
    people={"olga": "at the office", "tom": "technician", "uma": "technician"},
    initial_events=(StoryEvent(RoleGranted(user_id="olga", role="office")),),
    scenes=(
        EventsScene(
            "Olga gives Tom the work order at Mill Lane.",
            (StoryEvent(WorkOrderAssigned(work_order_id="4711", technician_id="tom"), "olga"),),
            {"tom": 1},
        ),
        EventsScene(
            "Tom arrives at Mill Lane.",
            (StoryEvent(WorkOrderUpdated(work_order_id="4711", status="in progress"), "tom"),),
            {"olga": 1, "tom": 1},
        ),
        EventsScene(
            "Tom opens the cellar door, and calls the office.",
            (
                StoryEvent(
                    WorkOrderUpdated(
                        work_order_id="4711",
                        status="blocked",
                        issues="water in the cellar",
                        alert_office=True,
                    ),
                    "tom",
                ),
            ),
            {"olga": 3, "tom": 2},
        ),
        LeaveScene("Tom goes down into the cellar, where there is no signal.", "tom"),
        EventsScene(
            "Olga sends Uma with the big pump, and writes to Tom.",
            (
                StoryEvent(WorkOrderAssigned(work_order_id="4711", technician_id="uma"), "olga"),
                StoryEvent(
                    TechnicianNotified(
                        technician_id="tom",
                        work_order_id="4711",
                        message="Uma is on her way",
                        priority="high",
                    ),
                    "olga",
                ),
                StoryEvent(WorkOrderUpdated(work_order_id="4711", status="pumping"), "uma"),
            ),
            {"olga": 1, "uma": 2},
        ),
        ReturnScene("Tom comes up again.", "tom", 2),
        EventsScene(
            "The hoses are used up.",
            (
                StoryEvent(
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
