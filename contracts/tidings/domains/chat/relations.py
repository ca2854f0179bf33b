"""The relation of members to rooms."""

from __future__ import annotations

from tidings.contracts.relations import RelationChanges, RelationClosed, RelationOpened
from tidings.domains.chat.events import RoomMemberJoined, RoomMemberLeft

RELATIONS: RelationChanges = {
    RoomMemberJoined: lambda event: [
        RelationOpened(f"room:{event.room_id}", "member", event.user_id)
    ],
    RoomMemberLeft: lambda event: [
        RelationClosed(f"room:{event.room_id}", "member", event.user_id)
    ],
}
