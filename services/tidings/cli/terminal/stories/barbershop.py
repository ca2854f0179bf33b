"""The barbershop: a busy Saturday, a barber on his lunch break, and a milestone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidings.cli.terminal.stories.story import Fact, FrontEnd, Happens, Leaves, Returns, Story
from tidings.contracts.events import (
    AchievementRevenueMilestone,
    AppointmentBooked,
    AppointmentCancelled,
    LocationStaffJoined,
    TeamAnnouncement,
)


def shows(frame: Mapping[str, Any]) -> str | None:
    """A line of the barber's page; an achievement is celebrated."""
    if frame.get("type") != "notification":
        return None
    notification = frame["data"]
    celebrated = "★ " if notification["data"].get("celebrate") else ""
    return f"{celebrated}{notification['title']} · {notification['message']}"


BARBERSHOP = Story(
    name="barbershop",
    title="Barbershop: a busy Saturday",
    front_end=FrontEnd("/api/v1/ws", shows),
    people={"kofi": "barber", "lena": "barber"},
    before=(
        Fact(LocationStaffJoined(location_id="5", user_id="kofi")),
        Fact(LocationStaffJoined(location_id="5", user_id="lena")),
    ),
    scenes=(
        Happens(
            "Mr Adler books a shave with Kofi.",
            (
                Fact(
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
        Leaves("Kofi goes to lunch, and closes his tab.", "kofi"),
        Happens(
            "The shop decides to stay open longer, and Mr Adler thinks better of it.",
            (
                Fact(
                    TeamAnnouncement(location_id="5", message="We stay open until nine tonight"),
                    "lena",
                ),
                Fact(
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
        Returns("Kofi is back from lunch.", "kofi", 2),
        Happens(
            "Lena's day has been a good one.",
            (
                Fact(
                    AchievementRevenueMilestone(user_id="lena", title="1000 in one day", value=1000)
                ),
            ),
            {"lena": 1},
        ),
    ),
)
