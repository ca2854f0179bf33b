"""What becomes of a notification one of whose buttons was pressed."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import NotificationActed, Recorded
from tidings.notifier.rule import Press, Rule


def pressed(recorded: Recorded[NotificationActed]) -> Iterator[Press]:
    """Show on every device of whoever pressed a button which one it was."""
    event = recorded.event
    yield Press(to=event.user_id, notification=event.notification_id, action=event.action)


RULES = (Rule("button_pressed", NotificationActed, pressed, wordless=True),)
