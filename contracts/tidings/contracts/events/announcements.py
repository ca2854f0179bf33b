"""Announcements: one text to a list of users, to a relation, or to everybody in the tenant."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, Struct
from tidings.contracts.cloudevents import Time
from tidings.contracts.events.base import Event
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Priority

USERS_LIMIT = 10_000
"""How many users one announcement may name; more are a relation."""

RelationName = Annotated[
    str,
    Meta(
        max_length=320,
        pattern=r"^(?:tenant|[a-z_]+:[^#\x00-\x20\x7f][^#\x00-\x1f\x7f]*)#[^#\x00-\x20\x7f]+\Z",
    ),
]
"""Who stands how to what: `project:789#member`, `tenant#office`."""


class Addressees(Struct, frozen=True, kw_only=True):
    """Whom an announcement is for; at least one of the three is given."""

    users: Annotated[tuple[Id, ...], Meta(max_length=USERS_LIMIT)] = ()
    relation: RelationName | None = None
    everyone: bool = False

    def __post_init__(self) -> None:
        if not (self.users or self.relation or self.everyone):
            raise ValueError("An announcement needs `users`, `relation` or `everyone: true`")


class AnnouncementPublished(Event, frozen=True, kw_only=True):
    """Something was announced; with `receipt`, its actor is told who read it."""

    type: ClassVar[str] = "announcement.published"
    title: str
    message: str
    to: Addressees
    priority: Priority = "normal"
    expires_at: Time | None = None
    entity_url: str | None = None
    receipt: bool = False
