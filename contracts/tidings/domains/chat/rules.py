"""Rules of a chat."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity
from tidings.contracts.relations import Relation
from tidings.contracts.rules import Rule, Tell
from tidings.domains.chat.events import MessagePosted

FIRST_WORDS_LIMIT_CHARACTERS = 100


def message_posted(recorded: RecordedEvent[MessagePosted]) -> Iterator[Tell]:
    """Notify all members of the room but the sender, with the beginning of the message."""
    event = recorded.event
    yield Tell(
        to=(Relation(f"room:{event.room_id}", "member"),),
        values={"name": event.sender_name, "words": first_words(event.text), "count": 1},
        category="message",
        entity=Entity(type="room", id=event.room_id),
        references={"room": event.room_id, "message": event.message_id},
        group=f"room:{event.room_id}",
        actor=event.sender_id,
        accumulates=True,
    )


def first_words(text: str) -> str:
    """Return the beginning of a text as one line, cut after a word if possible."""
    line = " ".join(text[: 4 * FIRST_WORDS_LIMIT_CHARACTERS].split())
    if len(line) <= FIRST_WORDS_LIMIT_CHARACTERS and len(text) <= 4 * FIRST_WORDS_LIMIT_CHARACTERS:
        return line
    words, _, _ = line[:FIRST_WORDS_LIMIT_CHARACTERS].rpartition(" ")
    return (words or line[: FIRST_WORDS_LIMIT_CHARACTERS - 1]) + "…"


RULES: tuple[Rule, ...] = (Rule("message_posted", MessagePosted, message_posted),)
