"""Incidents: a service falls over at night, and those who get up for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidings.cli.terminal.stories.story import Fact, FrontEnd, Happens, Leaves, Returns, Story
from tidings.contracts.events import (
    IncidentAssigned,
    IncidentCreated,
    IncidentResolved,
    IncidentStatusChanged,
)


def shows(frame: Mapping[str, Any]) -> str | None:
    """A line of the responder's page."""
    if frame.get("event") != "notification:new":
        return None
    notification = frame["data"]
    return f"[{notification['priority']}] {notification['title']} · {notification['message']} ({notification['entity_url']})"


INCIDENTS = Story(
    name="incidents",
    title="Incidents: three in the morning",
    front_end=FrontEnd("/api/v1/ws/notifications", shows),
    people={"ravi": "on call", "sam": "his second"},
    before=(),
    scenes=(
        Happens(
            "The checkout answers nobody any more.",
            (
                Fact(
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
        Happens(
            "Ravi calls Sam to it.",
            (Fact(IncidentAssigned(incident_id="77", number=77, user_id="sam"), "ravi"),),
            {"sam": 1},
        ),
        Leaves("Sam's laptop falls asleep. Sam does not.", "sam"),
        Happens(
            "Ravi finds the cause, and mends it.",
            (
                Fact(
                    IncidentStatusChanged(incident_id="77", number=77, new_status="identified"),
                    "ravi",
                ),
                Fact(
                    IncidentStatusChanged(incident_id="77", number=77, new_status="monitoring"),
                    "ravi",
                ),
                Fact(IncidentResolved(incident_id="77", number=77), "ravi"),
            ),
            {},
        ),
        Returns("Sam wakes the laptop.", "sam", 3),
    ),
)
