"""Incidents: a service fails at night, and its responders are called."""

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
from tidings.domains.incidents.events import (
    IncidentAssigned,
    IncidentCreated,
    IncidentResolved,
    IncidentStatusChanged,
)


def format_frame(frame: Mapping[str, Any]) -> str | None:
    """A line of the responder's page."""
    if frame.get("event") != "notification:new":
        return None
    notification = frame["data"]
    return (
        f"[{notification['priority']}] {notification['title']} · {notification['message']}"
        f" ({notification['entity_url']})"
    )


INCIDENTS = Story(
    name="incidents",
    title="Incidents: three in the morning",
    front_end=FrontEnd("/api/v1/ws/notifications", format_frame),
    people={"ravi": "on call", "sam": "his second"},
    initial_events=(),
    scenes=(
        EventsScene(
            "The checkout answers nobody any more.",
            (
                StoryEvent(
                    IncidentCreated(
                        incident_id="77",
                        number=77,
                        title="Checkout is down",
                        severity="high",
                        responders=("ravi",),
                    )
                ),
            ),
            {"ravi": 1},
        ),
        EventsScene(
            "Ravi calls Sam to it.",
            (StoryEvent(IncidentAssigned(incident_id="77", number=77, user_id="sam"), "ravi"),),
            {"sam": 1},
        ),
        LeaveScene("Sam's laptop falls asleep. Sam does not.", "sam"),
        EventsScene(
            "Ravi finds the cause, and mends it.",
            (
                StoryEvent(
                    IncidentStatusChanged(incident_id="77", number=77, new_status="identified"),
                    "ravi",
                ),
                StoryEvent(
                    IncidentStatusChanged(incident_id="77", number=77, new_status="monitoring"),
                    "ravi",
                ),
                StoryEvent(IncidentResolved(incident_id="77", number=77), "ravi"),
            ),
            {},
        ),
        ReturnScene("Sam wakes the laptop.", "sam", 3),
    ),
)
