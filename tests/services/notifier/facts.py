"""Facts for the rules, and a small world of people who are concerned by them."""

from __future__ import annotations

from typing import Any

from tidings.contracts.codec import encode, recorded
from tidings.contracts.events import AnyRecorded
from tidings.contracts.events.base import Event
from tidings.notifier.audience import Folded, Membership
from tidings.notifier.rule import Relation
from tidings.notifier.topics import Topics

TENANT = "acme"
SEQUENCE = 100
TIME_NANOSECONDS = 1_767_323_045_678_901_234

STANDS = {
    Relation("task:456", "assignee"): ["assignee", "busy"],
    Relation("task:456", "volunteer"): ["volunteer", "busy"],
    Relation("task:456", "watcher"): ["watcher"],
    Relation("project:789", "member"): ["member", "manager"],
    Relation("project:789", "manager"): ["manager"],
    Relation("tenant", "member"): ["assignee", "busy", "manager", "member", "volunteer", "watcher"],
    Relation("tenant", "office"): ["busy", "office"],
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
"""Who stands how to what; `stranger` to other things than the facts are about."""


def body(
    event: Event, identifier: str = "fact-1", tenant: str = TENANT, **attributes: Any
) -> bytes:
    """A fact as it lies in the log."""
    cloud = {
        "specversion": "1.0",
        "id": identifier,
        "source": "/tests",
        "type": event.type,
        "tenant": tenant,
        **attributes,
    }
    return encode({**cloud, "data": event})


def fact(event: Event, sequence: int = SEQUENCE, **attributes: Any) -> AnyRecorded:
    """A fact as it is read from the log."""
    return recorded(body(event, **attributes), sequence, TIME_NANOSECONDS)


def folded(stands: dict[Relation, list[str]] = STANDS, tenant: str = TENANT) -> Folded:
    """What is known of these people, who have been there from the beginning on."""
    return Folded(
        frozenset(),
        {
            (tenant, of): [Membership(user, 1, None) for user in users]
            for of, users in stands.items()
        },
    )


def nothing_shared() -> Topics:
    """No relation has a log of its own, nor ever will."""
    return Topics(0, 1_000_000, {})
