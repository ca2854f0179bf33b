"""Rules about read and answered notifications."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.rules import ActionTaken, Rule, Tell
from tidings.domains.addresses.events import AddressGiven
from tidings.domains.addresses.rules import CATEGORY, CONFIRM
from tidings.domains.deliveries.events import ChannelSuppressed
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


def confirmation_wanted(recorded: RecordedEvent[NotificationActed]) -> Iterator[Tell]:
    """Have a message sent to an address that failed, as its user asked by the button."""
    event = recorded.event
    is_asked = event.notification_type == ChannelSuppressed.type and event.action == CONFIRM
    if is_asked and event.entity:
        yield Tell(
            to=(event.user_id,),
            type=AddressGiven.type,
            values={},
            category=CATEGORY,
            entity=event.entity,
            include_actor=True,
        )


RULES: tuple[Rule, ...] = (
    Rule("read_receipt", NotificationRead, read_receipt),
    Rule("button_pressed", NotificationActed, action_taken, templates=False),
    Rule(
        "confirmation_wanted",
        NotificationActed,
        confirmation_wanted,
        sample={"notification_type": ChannelSuppressed.type, "action": CONFIRM},
    ),
)
