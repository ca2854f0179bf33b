"""Rules of announcements."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.event import RecordedEvent
from tidings.contracts.notifications import Entity
from tidings.contracts.relations import TENANT_MEMBERS, Recipients, parse_relation
from tidings.contracts.rules import AuthoredText, Rule, Tell
from tidings.domains.announcements.events import AnnouncementPublished


def announcement_published(recorded: RecordedEvent[AnnouncementPublished]) -> Iterator[Tell]:
    """Notify all addressees, including the announcer."""
    event = recorded.event
    yield Tell(
        to=recipients_of(event),
        values=AuthoredText(event.title, event.message),
        category="system_announcement",
        priority=event.priority,
        entity=Entity(type="announcement", id=recorded.attributes.id, url=event.entity_url),
        expires=event.expires_at,
        include_actor=True,
        hidden_fields=("to",),
        receipt=event.receipt,
    )


def recipients_of(event: AnnouncementPublished) -> Recipients:
    """Return the named users, the named relation, and the whole tenant if it is for everyone."""
    related = (parse_relation(event.to.relation),) if event.to.relation else ()
    everyone = (TENANT_MEMBERS,) if event.to.everyone else ()
    return (*event.to.users, *related, *everyone)


RULES: tuple[Rule, ...] = (
    Rule("announced", AnnouncementPublished, announcement_published, templates=False),
)
