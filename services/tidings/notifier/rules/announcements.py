"""Who is told of announcements."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.contracts.events import AnnouncementPublished, Recorded
from tidings.contracts.notifications import Entity
from tidings.notifier.rule import EVERYBODY, Audience, Authored, Rule, Tell, relation


def announced(recorded: Recorded[AnnouncementPublished]) -> Iterator[Tell]:
    """Tell all it is addressed to, the announcer among them."""
    event = recorded.event
    yield Tell(
        to=addressees(event),
        says=Authored(event.title, event.message),
        category="system_announcement",
        priority=event.priority,
        entity=Entity(type="announcement", id=recorded.attributes.id, url=event.entity_url),
        expires=event.expires_at,
        actor_too=True,
        hidden=("to",),
        receipt=event.receipt,
    )


def addressees(event: AnnouncementPublished) -> Audience:
    """The users named, those in the relation named, and everybody in the tenant if it is for everyone."""
    related = (relation(event.to.relation),) if event.to.relation else ()
    everyone = (EVERYBODY,) if event.to.everyone else ()
    return (*event.to.users, *related, *everyone)


RULES = (Rule("announced", AnnouncementPublished, announced, wordless=True),)
