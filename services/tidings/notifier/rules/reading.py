"""Who is told that something was read."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import NotificationRead, Recorded
from tidings.notifier.rule import Rule, Tell


def read_receipt(recorded: Recorded[NotificationRead]) -> Iterator[Tell]:
    """Tell a sender who asked for it that somebody has read what they sent."""
    event = recorded.event
    if event.sender:
        yield Tell(
            to=(event.sender,),
            says={"reader": event.user_id, "title": event.title},
            category="receipt",
            entity=event.entity,
        )


RULES = (Rule("read_receipt", NotificationRead, read_receipt),)
