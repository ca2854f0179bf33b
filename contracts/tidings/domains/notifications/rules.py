"""Rules about read and answered notifications."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.rules import ActionTaken, Rule, Tell
from tidings.domains.notifications.events import NotificationActed, NotificationRead


def read_receipt(recorded: RecordedEvent[NotificationRead]) -> Iterator[Tell]:
    """Notify the sender who requested a receipt that a user has read the notification."""
    event = recorded.event
    if event.sender:
        yield Tell(
            to=(event.sender,),
            values={"reader": event.user_id, "title": event.title},
            category="receipt",
            entity=event.entity,
        )


def action_taken(recorded: RecordedEvent[NotificationActed]) -> Iterator[ActionTaken]:
    """Show on every device of the user which button they pressed."""
    event = recorded.event
    yield ActionTaken(to=event.user_id, notification=event.notification_id, action=event.action)


RULES: tuple[Rule, ...] = (
    Rule("read_receipt", NotificationRead, read_receipt),
    Rule("button_pressed", NotificationActed, action_taken, templates=False),
)
