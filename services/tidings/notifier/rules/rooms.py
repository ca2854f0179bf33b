"""Who is told what is written in a room."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import MessagePosted, Recorded
from tidings.contracts.notifications import Entity
from tidings.notifier.rule import Relation, Rule, Tell

FIRST_WORDS_LIMIT_CHARACTERS = 100


def message_posted(recorded: Recorded[MessagePosted]) -> Iterator[Tell]:
    """Tell everybody in the room but whoever wrote it how the message begins."""
    event = recorded.event
    yield Tell(
        to=(Relation(f"room:{event.room_id}", "member"),),
        says={"name": event.sender_name, "words": first_words(event.text), "count": 1},
        category="message",
        entity=Entity(type="room", id=event.room_id),
        references={"room": event.room_id, "message": event.message_id},
        group=f"room:{event.room_id}",
        actor=event.sender_id,
        accumulates=True,
    )


def first_words(text: str) -> str:
    """The beginning of a text on one line, if possible up to the end of a word."""
    line = " ".join(text[: 4 * FIRST_WORDS_LIMIT_CHARACTERS].split())
    if len(line) <= FIRST_WORDS_LIMIT_CHARACTERS and len(text) <= 4 * FIRST_WORDS_LIMIT_CHARACTERS:
        return line
    whole, _, _ = line[:FIRST_WORDS_LIMIT_CHARACTERS].rpartition(" ")
    return (whole or line[: FIRST_WORDS_LIMIT_CHARACTERS - 1]) + "…"


RULES = (Rule("message_posted", MessagePosted, message_posted),)
