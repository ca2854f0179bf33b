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


class Relation(NamedTuple):
    """All users who stand in a relation to an object: `project:789#member`."""

    object: str
    name: str

    def __str__(self) -> str:
        return f"{self.object}#{self.name}"


Recipients = tuple[str | Relation, ...]
"""Users, and relations whose users are those at the time of the event."""

TENANT_MEMBERS = Relation("tenant", "member")
"""All users of a tenant."""


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
    """An object no longer exists: all relations to it are closed."""

    object: str
    relation: None = None
    user: None = None


RelationChange = RelationOpened | RelationClosed | ObjectDeleted
RelationChanges = Mapping[type[Event], Callable[[Any], Iterable[RelationChange]]]
"""For types of events, a function from the event to the relations that it changes."""
