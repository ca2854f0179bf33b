"""Rules of announcements and of notifications written by hand."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity
from tidings.contracts.page_addresses import safe_address
from tidings.contracts.relations import TENANT_MEMBERS, Recipients, parse_relation
from tidings.contracts.rules import AuthoredText, Rule, Tell
from tidings.domains.announcements.events import (
    Addressees,
    AnnouncementPublished,
    NotificationRequested,
)


def announcement_published(recorded: RecordedEvent[AnnouncementPublished]) -> Iterator[Tell]:
    """Notify all addressees, including the announcer; the data marks one for everyone."""
    event = recorded.event
    yield Tell(
        to=recipients_of(event.to),
        values=AuthoredText(event.title, event.message),
        category="system_announcement",
        priority=event.priority,
        entity=Entity(
            type="announcement", id=recorded.attributes.id, url=safe_address(event.entity_url)
        ),
        expires=event.expires_at,
        include_actor=True,
        hidden_fields=("to", "title", "message", "schedule_id", "occurrence"),
        extra_data={"everyone": True} if event.to.everyone else {},
        receipt=event.receipt,
    )


def notification_requested(recorded: RecordedEvent[NotificationRequested]) -> Iterator[Tell]:
    """Notify all addressees with the text, type and data of the event."""
    event = recorded.event
    yield Tell(
        to=recipients_of(event.to),
        values=AuthoredText(event.title, event.message),
        type=event.notification_type,
        category=event.category,
        level=event.level,
        priority=event.priority,
        entity=event.entity.to_entity(event.action_url) if event.entity else None,
        references=event.references,
        include_actor=True,
        data=event.data,
        extra_data={"action_url": event.action_url} if event.action_url else {},
    )


def recipients_of(addressees: Addressees) -> Recipients:
    """Return the named users, the named relation, and the whole tenant if it is for everyone."""
    related = (parse_relation(addressees.relation),) if addressees.relation else ()
    everyone = (TENANT_MEMBERS,) if addressees.everyone else ()
    return (*addressees.users, *related, *everyone)


RULES: tuple[Rule, ...] = (
    Rule("announced", AnnouncementPublished, announcement_published, templates=False),
    Rule("notification_requested", NotificationRequested, notification_requested, templates=False),
)
