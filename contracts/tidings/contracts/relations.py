"""Relations between users and objects, and the changes that an event makes to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, NamedTuple

from msgspec import Meta
from tidings.contracts.event import Event

RelationText = Annotated[
    str,
    Meta(
        max_length=320,
        pattern=r"^(?:tenant|[a-z_]+:[^#\x00-\x20\x7f][^#\x00-\x1f\x7f]*)#[^#\x00-\x20\x7f]+\Z",
    ),
]
"""A relation as text: `project:789#member`, `tenant#office`."""

LOCALE = "locale"
"""The object of the relation between a user and their locale, such as `de`; one at a time."""

TIMEZONE = "timezone"
"""The object of the relation between a user and their time zone, such as `Europe/Berlin`; one at a
time.
"""


class Relation(NamedTuple):
    """All users who stand in a relation to an object: `project:789#member`."""

    object: str
    name: str

    def __str__(self) -> str:
        return f"{self.object}#{self.name}"


class RelatedThrough(NamedTuple):
    """All users in a relation to the object that another object is linked to.

    `task:456.project#manager` are the managers of the project of task 456.
    """

    object: str
    link: str
    relation: str

    def __str__(self) -> str:
        return f"{self.object}.{self.link}#{self.relation}"


UserSet = Relation | RelatedThrough
"""Users whom an event does not name: they are looked up as of the event."""

Recipients = tuple[str | UserSet, ...]
"""Users and sets of users; a set has its members as of the event."""

TENANT_MEMBERS = Relation("tenant", "member")
"""All users of a tenant."""

TENANT_DIALECT = ("tenant", "dialect")
"""The object and link whose target is the product of a tenant."""


def parse_relation(text: str) -> Relation:
    """Return the relation that `object#relation` spells."""
    object_, _, name = text.partition("#")
    return Relation(object_, name)


class RelationOpened(NamedTuple):
    """A user stands in a relation to an object from now on."""

    object: str
    relation: str
    user: str


class RelationClosed(NamedTuple):
    """A user no longer stands in a relation to an object; None means any relation, any object."""

    object: str | None
    relation: str | None
    user: str


class ObjectDeleted(NamedTuple):
    """An object no longer exists: all relations to it are closed, and all links from it."""

    object: str
    relation: None = None
    user: None = None


RelationChange = RelationOpened | RelationClosed | ObjectDeleted


class ObjectLinked(NamedTuple):
    """An object is linked to another one from now on, instead of the one before; None ends the
    link.

    No user is part of a link, so events about users do not change it.
    """

    object: str
    link: str
    target: str | None


AudienceChange = RelationChange | ObjectLinked
RelationChanges = Mapping[type[Event], Callable[[Any], Iterable[AudienceChange]]]
"""For types of events, a function from the event to the relations and links that it changes."""
