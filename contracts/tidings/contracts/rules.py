"""The values of rules: pure functions from a recorded event to notifications and retractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from msgspec import Struct
from tidings.contracts.event import Event
from tidings.contracts.notifications import Entity, Filter, Level, Priority
from tidings.contracts.relations import Recipients

MESSAGE = "message"
"""The name of a rule's only message in its templates, or of the first of several."""

TemplateValues = Mapping[str, str | float | date]
"""The values that fill a template: text is copied; numbers are formatted for the locale, times and
dates for the locale and the zone.
"""


class AuthoredText(NamedTuple):
    """Title and message that a person wrote: shown as they are, whatever the reader's locale."""

    title: str
    message: str


class Tell(Struct, frozen=True, kw_only=True):
    """A notification to its recipients; the event's actor is left out unless `include_actor`.

    `rule`: the rule's name; `react` sets it.
    `values`: fill the rule's templates; an `AuthoredText` needs none.
    `wording`: which of the rule's messages, if it has several.
    `type`: the notification's type, if that is not the event's.
    `actor`: the user who acted, if that is not the event's actor.
    `data`: the notification's data, if that is not the event's.
    `hidden_fields`: fields of its data that the notification leaves out.
    `extra_data`: fields that the notification's data has in addition.
    `receipt`: the actor is notified when it is read.
    `accumulates`: for one relation only; all events of its `group` that a user has not read are one
    notification (`projections.audience.groups`), whose templates get their `count`.
    `as_of_previous`: the recipients are those just before the event, which may end the relation.
    `actions`: names of its buttons; the rule's templates label them as `.action-<name>`.
    """

    rule: str = ""
    to: Recipients
    values: TemplateValues | AuthoredText
    type: str | None = None
    wording: str = MESSAGE
    category: str
    level: Level = "info"
    priority: Priority = "normal"
    entity: Entity | None = None
    references: dict[str, str] = {}
    group: str | None = None
    expires: datetime | None = None
    actor: str | None = None
    include_actor: bool = False
    data: Mapping[str, Any] | None = None
    hidden_fields: tuple[str, ...] = ()
    extra_data: Mapping[str, bool | str] = {}
    receipt: bool = False
    accumulates: bool = False
    as_of_previous: bool = False
    actions: tuple[str, ...] = ()


class Retract(Struct, frozen=True, kw_only=True):
    """Delete earlier notifications that match the filter, on every device of the recipients.

    Each recipient's own log gets a mark, which also covers notifications of topics. `unless`:
    recipients who keep theirs. `rule`, `as_of_previous`: as in `Tell`.
    """

    rule: str = ""
    to: Recipients
    filter: Filter
    unless: Recipients = ()
    as_of_previous: bool = False


class ActionTaken(Struct, frozen=True, kw_only=True):
    """Show on every device of a user which button of a notification they pressed.

    `rule`: as in `Tell`.
    """

    rule: str = ""
    to: str
    notification: str
    action: str


Effect = Tell | Retract | ActionTaken
"""The results that a rule can have for an event."""


@dataclass(frozen=True)
class Rule:
    """A named rule for one type of event; the name is part of the notification's id: never change
    it.

    `templates`: False for a rule without templates, because it only forwards an authored text,
    retracts, or shows an action. `sample`: values with which it has an effect, if not any will do.
    """

    name: str
    event_type: type[Event]
    react: Callable[[Any], Iterator[Effect]]
    templates: bool = True
    sample: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)


def by_event_type(rules: Iterable[Rule]) -> dict[type[Event], list[Rule]]:
    """Return the rules for each type of event, in their order."""
    rules_of: dict[type[Event], list[Rule]] = defaultdict(list)
    for rule in rules:
        rules_of[rule.event_type].append(rule)
    return dict(rules_of)


def given_users(users: Iterable[str | None]) -> Recipients:
    """Return the users that are not None or empty."""
    return tuple(user for user in users if user)


def without_none(**values: str | None) -> dict[str, str]:
    """Return the arguments that are not None."""
    return {name: value for name, value in values.items() if value is not None}
