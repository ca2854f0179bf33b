"""Notifications, and the composer of mails about them, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidings.channels.email.compose import ComposedMail, Composer, MailOrder, MailSender
from tidings.channels.email.return_path import ReturnPaths
from tidings.channels.templates import MailTemplates
from tidings.contracts.notifications import Entity, Notification
from tidings.runtime.unsubscribe_tokens import UnsubscribeTokens

SECRET = "s" * 32
DELIVERY = "00000000-0000-4000-8000-0000000000d1"
MOMENT = datetime(2026, 12, 1, 10, 30, tzinfo=UTC)
RETURN_PATHS = ReturnPaths(SECRET, "bounces@mail.example.org")
TOKENS = UnsubscribeTokens(SECRET)
SENDER = MailSender(
    address="tidings@mail.example.org",
    name="Greenhouse",
    product="Greenhouse",
    public_url="https://tidings.example.org",
    product_url="https://app.example.org/",
    tokens=TOKENS,
    return_paths=RETURN_PATHS,
)


def make_notification(title: str = "Task assigned", **changes: Any) -> Notification:
    """Return a notification of Alice's."""
    fields: dict[str, Any] = {
        "id": "00000000-0000-4000-8000-000000000001",
        "type": "task.assigned",
        "category": "task",
        "title": title,
        "message": "Water the seedlings",
        "entity": Entity(type="task", id="456", url="/tasks/456"),
        "audience": ("task:456#watcher",),
        "tenant": "acme",
        "user": "alice",
        "created": MOMENT,
    }
    return Notification(**{**fields, **changes})


def make_order(*notifications: Notification, **changes: Any) -> MailOrder:
    """Return the order of a mail to Alice."""
    found = notifications or (make_notification(),)
    order = MailOrder(
        delivery=DELIVERY,
        recipient="alice@example.org",
        notifications=found,
        total=len(found),
        moment=MOMENT,
        category="task",
        locale="en",
    )
    return order._replace(**changes)


def compose(*notifications: Notification, **changes: Any) -> ComposedMail:
    """Return a composed mail."""
    return Composer(SENDER, MailTemplates()).compose_mail(make_order(*notifications, **changes))
