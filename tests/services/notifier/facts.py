"""Events for the rules, and a small world of users with relations to their objects."""

from __future__ import annotations

from typing import Any

from tidings.contracts.codec import decode_recorded_event, encode
from tidings.contracts.event import AnyRecordedEvent, Event
from tidings.contracts.relations import RelatedThrough, Relation, UserSet
from tidings.notifier.audience.audience import Audience, Membership
from tidings.notifier.audience.topics import Topics
from tidings.notifier.rendering.texts import load_texts

TEXTS = load_texts()
TENANT = "acme"
SEQUENCE = 100
TIME_NANOSECONDS = 1_767_323_045_678_901_234

MEMBERS: dict[UserSet, list[str]] = {
    Relation("task:456", "assignee"): ["assignee", "busy"],
    Relation("task:456", "volunteer"): ["volunteer", "busy"],
    Relation("task:456", "watcher"): ["watcher"],
    Relation("project:789", "member"): ["member", "manager"],
    Relation("project:789", "manager"): ["manager"],
    RelatedThrough("task:456", "project", "manager"): ["manager"],
    Relation("tenant", "member"): ["assignee", "busy", "manager", "member", "volunteer", "watcher"],
    Relation("tenant", "office"): ["busy", "office"],
    Relation("tenant", "on_call_manager"): ["manager"],
    Relation("work_order:7", "technician"): ["busy", "technician"],
    Relation("location:5", "staff"): ["barber", "trainee"],
    Relation("room:9", "member"): ["busy", "zoe"],
    Relation("incident:3", "responder"): ["busy", "responder"],
    Relation("task:1", "assignee"): ["stranger"],
    **{
        Relation(of, "stranger"): ["stranger"]
        for of in ("work_order:7", "location:5", "room:9", "incident:3")
    },
    **{
        Relation(f"{of}:1", name): ["stranger"]
        for of, name in {"work_order": "technician", "location": "staff"}.items()
    },
    Relation("room:1", "member"): ["stranger"],
    Relation("incident:1", "responder"): ["stranger"],
    Relation("project:1", "member"): ["stranger"],
    Relation("project:1", "manager"): ["stranger"],
}
"""Members by relation; `stranger` is related only to objects that no event is about."""


def event_body(
    event: Event, identifier: str = "fact-1", tenant: str = TENANT, **attributes: Any
) -> bytes:
    """Encode an event as it is stored in the log."""
    cloud = {
        "specversion": "1.0",
        "id": identifier,
        "source": "/tests",
        "type": event.type,
        "tenant": tenant,
        **attributes,
    }
    return encode({**cloud, "data": event})


def recorded_event(event: Event, sequence: int = SEQUENCE, **attributes: Any) -> AnyRecordedEvent:
    """Return an event as it is read from the log."""
    return decode_recorded_event(event_body(event, **attributes), sequence, TIME_NANOSECONDS)


def audience_of(members: dict[UserSet, list[str]] = MEMBERS, tenant: str = TENANT) -> Audience:
    """Return an audience of these users, whose relations are all open."""
    return Audience(
        frozenset(),
        {
            (tenant, of): [Membership(user, 1, None) for user in users]
            for of, users in members.items()
        },
    )


def no_topics() -> Topics:
    """Return topics for an installation that has none."""
    return Topics(0, 1_000_000, {})
