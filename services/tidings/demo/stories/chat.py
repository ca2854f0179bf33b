"""The chat: three people in a room, one of them on a train with a tunnel."""

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
from tidings.domains.chat.events import MessagePosted, RoomMemberJoined


def format_frame(frame: Mapping[str, Any]) -> str | None:
    """A line of the chat's bell."""
    return f"{frame['data']['message']}" if frame.get("type") == "notification" else None


def message_posted(number: str, user: str, text: str) -> StoryEvent:
    """A message in the room, where each is a notification of its own."""
    return StoryEvent(
        MessagePosted(
            message_id=number, room_id="9", sender_id=user, sender_name=user.capitalize(), text=text
        ),
        user,
    )


CHAT = Story(
    name="chat",
    title="Chat: a tunnel on the way",
    front_end=FrontEnd("/ws/notifications", format_frame),
    people={"ada": "at home", "ben": "on a train", "cleo": "at the station"},
    initial_events=tuple(
        StoryEvent(RoomMemberJoined(room_id="9", user_id=user)) for user in ("ada", "ben", "cleo")
    ),
    scenes=(
        EventsScene(
            "Ada asks the room.",
            (message_posted("1", "ada", "Who is coming to dinner?"),),
            {"ben": 1, "cleo": 1},
        ),
        LeaveScene("Ben's train enters a tunnel.", "ben"),
        EventsScene(
            "Cleo answers, and wonders.",
            (message_posted("2", "cleo", "I am. Is Ben?"),),
            {"ada": 1},
        ),
        ReturnScene("The tunnel ends.", "ben", 1),
        EventsScene(
            "Ben answers that he is coming.",
            (message_posted("3", "ben", "I was in a tunnel. Of course I am!"),),
            {"ada": 1, "cleo": 1},
        ),
        EventsScene(
            "The station has something to say to everybody in the room.",
            (
                StoryEvent(
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
