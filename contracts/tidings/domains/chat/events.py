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
    """A user posted a message in a room.

    `grouped`: it accumulates with the room's other grouped messages in one notification, until the
    reader reads it; otherwise each message is a notification of its own.
    """

    type: ClassVar[str] = "message.posted"
    message_id: Id
    room_id: Id
    sender_id: Id
    sender_name: str
    text: str
    grouped: bool = False


EVENTS: tuple[type[Event], ...] = (
    RoomMemberJoined,
    RoomMemberLeft,
    MessagePosted,
)
