"""Announcements: one text to users, to a relation, or to all users of the tenant."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct
from tidings.contracts.cloudevents import Time
from tidings.contracts.event import Event
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Priority
from tidings.contracts.relations import RelationText

USERS_LIMIT = 10_000
"""The number of users that one announcement can name; more users need a relation."""


class Addressees(Struct, frozen=True, kw_only=True):
    """The recipients of an announcement; at least one of the three fields is required."""

    schema_constraint: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"required": ["users"], "properties": {"users": {"minItems": 1}}},
            {"required": ["relation"], "properties": {"relation": {"not": {"type": "null"}}}},
            {"required": ["everyone"], "properties": {"everyone": {"const": True}}},
        ],
    }
    """The check of `__post_init__`, as JSON Schema."""
    users: Annotated[tuple[Id, ...], Meta(max_length=USERS_LIMIT)] = ()
    relation: RelationText | None = None
    everyone: bool = False

    def __post_init__(self) -> None:
        if not (self.users or self.relation or self.everyone):
            raise ValueError("An announcement needs `users`, `relation` or `everyone: true`")


class AnnouncementPublished(Event, frozen=True, kw_only=True):
    """An announcement was published; with `receipt`, its actor is notified when a user reads it."""

    type: ClassVar[str] = "announcement.published"
    title: str
    message: str
    to: Addressees
    priority: Priority = "normal"
    expires_at: Time | None = None
    entity_url: str | None = None
    receipt: bool = False


EVENTS: tuple[type[Event], ...] = (AnnouncementPublished,)
