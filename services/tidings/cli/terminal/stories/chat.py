"""The chat: three people in a room, one of them on a train with a tunnel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidings.cli.terminal.stories.story import Fact, FrontEnd, Happens, Leaves, Returns, Story
from tidings.contracts.events import AnnouncementPublished, MessagePosted, RoomMemberJoined
from tidings.contracts.events.announcements import Addressees


def shows(frame: Mapping[str, Any]) -> str | None:
    """A line of the chat's bell."""
    return f"{frame['data']['message']}" if frame.get("type") == "notification" else None


def says(number: str, user: str, text: str) -> Fact:
    """A message in the room."""
    return Fact(
        MessagePosted(
            message_id=number, room_id="9", sender_id=user, sender_name=user.capitalize(), text=text
        ),
        user,
    )


CHAT = Story(
    name="chat",
    title="Chat: a tunnel on the way",
    front_end=FrontEnd("/ws/notifications", shows),
    people={"ada": "at home", "ben": "on a train", "cleo": "at the station"},
    before=tuple(
        Fact(RoomMemberJoined(room_id="9", user_id=user)) for user in ("ada", "ben", "cleo")
    ),
    scenes=(
        Happens(
            "Ada asks the room.",
            (says("1", "ada", "Who is coming to dinner?"),),
            {"ben": 1, "cleo": 1},
        ),
        Leaves("Ben's train enters a tunnel.", "ben"),
        Happens("Cleo answers, and wonders.", (says("2", "cleo", "I am. Is Ben?"),), {"ada": 1}),
        Returns("The tunnel ends.", "ben", 1),
        Happens(
            "Ben answers that he is coming.",
            (says("3", "ben", "I was in a tunnel. Of course I am!"),),
            {"ada": 1, "cleo": 1},
        ),
        Happens(
            "The station has something to say to everybody in the room.",
            (
                Fact(
                    AnnouncementPublished(
                        title="Platform 4",
                        message="The train from the coast is on time",
                        to=Addressees(relation="room:9#member"),
                    )
                ),
            ),
            {"ada": 1, "ben": 1, "cleo": 1},
        ),
    ),
)
