"""Volunteer projects: a community garden, from a task to the hours it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidings.cli.terminal.stories.story import Fact, FrontEnd, Happens, Leaves, Returns, Story
from tidings.contracts.events import (
    AnnouncementPublished,
    MilestoneCompleted,
    TaskAssigned,
    TaskCompleted,
    TeamMemberAdded,
    TimelogApproved,
    UserJoined,
)
from tidings.contracts.events.announcements import Addressees


def shows(frame: Mapping[str, Any]) -> str | None:
    """A line of the volunteer's page."""
    if frame.get("event") not in ("notification", "system_announcement"):
        return None
    return f"{frame['data']['title']} · {frame['data']['message']}"


GARDEN = {"project_id": "garden", "project_name": "Community garden"}

VOLUNTEERS = Story(
    name="volunteers",
    title="Volunteer projects: the community garden",
    front_end=FrontEnd("/notifications/stream", shows, by_stream=True),
    people={"dina": "manages the garden", "amira": "volunteer", "bram": "Freiwilliger"},
    before=(
        Fact(UserJoined(user_id="dina")),
        Fact(UserJoined(user_id="amira")),
        Fact(UserJoined(user_id="bram", locale="de")),
    ),
    scenes=(
        Happens(
            "Dina puts a team together. Bram reads German.",
            (
                Fact(TeamMemberAdded(**GARDEN, user_id="dina", role="manager"), "dina"),
                Fact(TeamMemberAdded(**GARDEN, user_id="amira"), "dina"),
                Fact(TeamMemberAdded(**GARDEN, user_id="bram"), "dina"),
            ),
            {"amira": 1, "bram": 1},
        ),
        Leaves("Amira shuts her laptop.", "amira"),
        Happens(
            "Amira is given a task, and the garden reaches a milestone.",
            (
                Fact(
                    TaskAssigned(
                        task_id="1",
                        task_title="Water the seedlings",
                        user_id="amira",
                        project_id="garden",
                    ),
                    "dina",
                ),
                Fact(
                    MilestoneCompleted(
                        **GARDEN, milestone_id="beds", milestone_title="Ten beds dug"
                    ),
                    "dina",
                ),
            ),
            {"bram": 1},
        ),
        Returns("Amira opens it again.", "amira", 2),
        Happens(
            "Amira waters the seedlings, and her hours are approved.",
            (
                Fact(
                    TaskCompleted(
                        task_id="1", task_title="Water the seedlings", project_id="garden"
                    ),
                    "amira",
                ),
                Fact(
                    TimelogApproved(
                        timelog_id="1", user_id="amira", hours=2.5, project_id="garden", task_id="1"
                    ),
                    "dina",
                ),
            ),
            {"dina": 1, "amira": 1},
        ),
        Happens(
            "There is tea for everybody.",
            (
                Fact(
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
