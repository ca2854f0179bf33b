"""A rule is a sentence "when this, tell them": a pure function from a recorded event to what is told to whom, or taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct
from tidings.contracts.events.base import Event
from tidings.contracts.notifications import Entity, Filter, Level, Priority
from tidings.notifier.template import Values
from tidings.notifier.texts import MESSAGE


class Relation(NamedTuple):
    """Everybody who stands in a relation to an object: `project:789#member`."""

    object: str
    name: str

    def __str__(self) -> str:
        return f"{self.object}#{self.name}"


Audience = tuple[str | Relation, ...]
"""Users, and relations whose users are meant as of the event."""


def relation(text: str) -> Relation:
    """Read `object#relation`."""
    object_, _, name = text.partition("#")
    return Relation(object_, name)


def task(identifier: str, *names: str) -> Audience:
    """Those in these relations to a task."""
    return tuple(Relation(f"task:{identifier}", name) for name in names)


def project(identifier: str | None, *names: str) -> Audience:
    """Those in these relations to a project, if there is one."""
    return tuple(Relation(f"project:{identifier}", name) for name in names) if identifier else ()


class Authored(NamedTuple):
    """Words that somebody wrote: told as they are, whatever the reader speaks."""

    title: str
    message: str


class Tell(Struct, frozen=True, kw_only=True):
    """What is told to whom. Whoever acted is left out unless `actor_too`; of the event's data, fields that are `hidden`.

    `actor`: who acted, where that is another than the event's actor; `more`: what is added to the data.
    `says`: what fills the rule's templates (`texts/`), or words that need none; `wording`: which of the rule's messages, if it has several.
    `receipt`: whoever acted is told who reads it. `accumulates`: told to one relation only, all of its `group` (`projections.groups`) that
    somebody has not read stands in one notification; the templates are given their `count`.
    `before`: those are meant who stood in the relations just before the event, which may be what ended them.
    `actions`: the names of its buttons; what they say is in the rule's templates, as `.action-<name>`.
    """

    to: Audience
    says: Values | Authored
    wording: str = MESSAGE
    category: str
    level: Level = "info"
    priority: Priority = "normal"
    entity: Entity | None = None
    references: dict[str, str] = {}
    group: str | None = None
    expires: datetime | None = None
    actor: str | None = None
    actor_too: bool = False
    hidden: tuple[str, ...] = ()
    more: dict[str, bool] = {}
    receipt: bool = False
    accumulates: bool = False
    before: bool = False
    actions: tuple[str, ...] = ()


class Retract(Struct, frozen=True, kw_only=True):
    """What is taken back from whom: all that they were told before and that fits the filter is deleted, on each of their devices.

    Everybody meant has it said in their own log, of what a topic told them too. `unless`: who is meant by this keeps it.
    `before`: as in `Tell`.
    """

    to: Audience
    filter: Filter
    unless: Audience = ()
    before: bool = False


class Press(Struct, frozen=True, kw_only=True):
    """Which button of a notification its reader pressed: that is said in their own log, and so on each of their devices."""

    to: str
    notification: str
    action: str


@dataclass(frozen=True)
class Rule:
    """A named rule for one type of event; the name is part of the notification's id and never changes.

    `wordless`: it only passes on what somebody wrote, or only takes back or shows what was pressed, and has no templates.
    """

    name: str
    on: type[Event]
    tell: Callable[[Any], Iterator[Tell | Retract | Press]]
    wordless: bool = False


def named(users: Iterable[str | None]) -> Audience:
    """Those users that are given."""
    return tuple(user for user in users if user)


OFFICE = Relation("tenant", "office")
EVERYBODY = Relation("tenant", "member")


def by_event(rules: Iterable[Rule]) -> dict[type[Event], list[Rule]]:
    """The rules for each type of event, in their order."""
    found: dict[type[Event], list[Rule]] = defaultdict(list)
    for rule in rules:
        found[rule.on].append(rule)
    return dict(found)


def references(**given: str | None) -> dict[str, str]:
    """Those references that are given."""
    return {name: value for name, value in given.items() if value is not None}
