"""The barbershop: a busy Saturday, a barber on his lunch break, and a milestone."""

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
from tidings.domains.barbershop.events import (
    AchievementRevenueMilestone,
    AppointmentBooked,
    AppointmentCancelled,
    LocationStaffJoined,
    TeamAnnouncement,
)


def format_frame(frame: Mapping[str, Any]) -> str | None:
    """A line of the barber's page; an achievement is celebrated."""
    if frame.get("type") != "notification":
        return None
    notification = frame["data"]
    celebrated = "★ " if notification["data"].get("celebrate") else ""
    return f"{celebrated}{notification['title']} · {notification['message']}"


BARBERSHOP = Story(
    name="barbershop",
    title="Barbershop: a busy Saturday",
    front_end=FrontEnd("/api/v1/ws", format_frame),
    people={"kofi": "barber", "lena": "barber"},
    initial_events=(
        StoryEvent(LocationStaffJoined(location_id="5", user_id="kofi")),
        StoryEvent(LocationStaffJoined(location_id="5", user_id="lena")),
    ),
    scenes=(
        EventsScene(
            "Mr Adler books a shave with Kofi.",
            (
                StoryEvent(
                    AppointmentBooked(
                        appointment_id="1",
                        user_id="kofi",
                        client_name="Mr Adler",
                        service="a shave",
                        time="15:00",
                    )
                ),
            ),
            {"kofi": 1},
        ),
        LeaveScene("Kofi goes to lunch, and closes his tab.", "kofi"),
        EventsScene(
            "The shop decides to stay open longer, and Mr Adler thinks better of it.",
            (
                StoryEvent(
                    TeamAnnouncement(location_id="5", message="We stay open until nine tonight"),
                    "lena",
                ),
                StoryEvent(
                    AppointmentCancelled(
                        appointment_id="1",
                        user_id="kofi",
                        client_name="Mr Adler",
                        service="a shave",
                        time="15:00",
                    )
                ),
            ),
            {},
        ),
        ReturnScene("Kofi is back from lunch.", "kofi", 2),
        EventsScene(
            "Lena's day has been a good one.",
            (
                StoryEvent(
                    AchievementRevenueMilestone(user_id="lena", title="1000 in one day", value=1000)
                ),
            ),
            {"lena": 1},
        ),
    ),
)
