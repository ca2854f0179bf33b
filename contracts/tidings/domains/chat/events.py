"""Events of a chat: room members and their messages."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.event import Event
from tidings.contracts.ids import Id


class RoomMemberJoined(Event, frozen=True, kw_only=True):
    """A user joined a room."""

    type: ClassVar[str] = "room.member_joined"
    room_id: Id
    user_id: Id


class RoomMemberLeft(Event, frozen=True, kw_only=True):
    """A user left a room."""

    type: ClassVar[str] = "room.member_left"
    room_id: Id
    user_id: Id


class MessagePosted(Event, frozen=True, kw_only=True):
    """A user posted a message in a room."""

    type: ClassVar[str] = "message.posted"
    message_id: Id
    room_id: Id
    sender_id: Id
    sender_name: str
    text: str


EVENTS: tuple[type[Event], ...] = (
    RoomMemberJoined,
    RoomMemberLeft,
    MessagePosted,
)
