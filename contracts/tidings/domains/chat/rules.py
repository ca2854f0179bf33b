"""Rules of a chat."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.graphemes import cut_text
from tidings.contracts.notifications import Entity
from tidings.contracts.relations import Relation
from tidings.contracts.rules import Rule, Tell
from tidings.domains.chat.events import MessagePosted

SHOWN_LIMIT_CHARACTERS = 100


def message_posted(recorded: RecordedEvent[MessagePosted]) -> Iterator[Tell]:
    """Notify all members of the room but the sender, with the beginning of the message.

    Grouped messages of a room are one notification until it is read.
    """
    event = recorded.event
    room = f"room:{event.room_id}"
    yield Tell(
        to=(Relation(room, "member"),),
        values={
            "name": event.sender_name,
            "text": cut_text(event.text, SHOWN_LIMIT_CHARACTERS),
            "count": 1,
        },
        category="message",
        entity=Entity(type="room", id=event.room_id),
        references={"room": event.room_id, "message": event.message_id},
        group=room if event.grouped else None,
        actor=event.sender_id,
        accumulates=event.grouped,
    )


RULES: tuple[Rule, ...] = (Rule("message_posted", MessagePosted, message_posted),)
