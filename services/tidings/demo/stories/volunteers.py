"""Volunteer projects: a community garden, from a task to the hours it took."""

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
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.people.events import UserJoined
from tidings.domains.volunteers.events import (
    MilestoneCompleted,
    TaskAssigned,
    TaskCompleted,
    TeamMemberAdded,
    TimelogApproved,
)


def format_frame(frame: Mapping[str, Any]) -> str | None:
    """A line of the volunteer's page."""
    if frame.get("event") not in ("notification", "system_announcement"):
        return None
    return f"{frame['data']['title']} · {frame['data']['message']}"


GARDEN: dict[str, Any] = {"project_id": "garden", "project_name": "Community garden"}

VOLUNTEERS = Story(
    name="volunteers",
    title="Volunteer projects: the community garden",
    front_end=FrontEnd("/notifications/stream", format_frame, by_stream=True),
    people={"dina": "manages the garden", "amira": "volunteer", "bram": "Freiwilliger"},
    initial_events=(
        StoryEvent(UserJoined(user_id="dina")),
        StoryEvent(UserJoined(user_id="amira")),
        StoryEvent(UserJoined(user_id="bram", locale="de")),
    ),
    scenes=(
        EventsScene(
            "Dina puts a team together. Bram reads German.",
            (
                StoryEvent(TeamMemberAdded(**GARDEN, user_id="dina", role="manager"), "dina"),
                StoryEvent(TeamMemberAdded(**GARDEN, user_id="amira"), "dina"),
                StoryEvent(TeamMemberAdded(**GARDEN, user_id="bram"), "dina"),
            ),
            {"dina": 1, "amira": 1, "bram": 1},
        ),
        LeaveScene("Amira shuts her laptop.", "amira"),
        EventsScene(
            "Amira is given a task, and the garden reaches a milestone.",
            (
                StoryEvent(
                    TaskAssigned(
                        task_id="1",
                        task_title="Water the seedlings",
                        user_id="amira",
                        project_id="garden",
                    ),
                    "dina",
                ),
                StoryEvent(
                    MilestoneCompleted(
                        **GARDEN, milestone_id="beds", milestone_title="Ten beds dug"
                    ),
                    "dina",
                ),
            ),
            {"dina": 1, "bram": 1},
        ),
        ReturnScene("Amira opens it again.", "amira", 2),
        EventsScene(
            "Amira waters the seedlings, and her hours are approved.",
            (
                StoryEvent(
                    TaskCompleted(
                        task_id="1", task_title="Water the seedlings", project_id="garden"
                    ),
                    "amira",
                ),
                StoryEvent(
                    TimelogApproved(
                        timelog_id="1", user_id="amira", hours=2.5, project_id="garden", task_id="1"
                    ),
                    "dina",
                ),
            ),
            {"dina": 1, "amira": 2},
        ),
        EventsScene(
            "There is tea for everybody.",
            (
                StoryEvent(
                    AnnouncementPublished(
                        title="Tea at four",
                        message="In the garden, bring a cup",
                        to=Addressees(everyone=True),
                    ),
                    "dina",
                ),
            ),
            {"dina": 1, "amira": 1, "bram": 1},
        ),
    ),
)
