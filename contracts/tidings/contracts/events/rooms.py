"""Rooms: who is a member of one, and what is written there."""

from __future__ import annotations

from typing import ClassVar

from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id


class RoomMemberJoined(Event, frozen=True, kw_only=True):
    """Somebody came to a room."""

    type: ClassVar[str] = "room.member_joined"
    room_id: Id
    user_id: Id


class RoomMemberLeft(Event, frozen=True, kw_only=True):
    """Somebody left a room."""

    type: ClassVar[str] = "room.member_left"
    room_id: Id
    user_id: Id


class MessagePosted(Event, frozen=True, kw_only=True):
    """Somebody wrote something in a room."""

    type: ClassVar[str] = "message.posted"
    message_id: Id
    room_id: Id
    sender_id: Id
    sender_name: str
    text: str
