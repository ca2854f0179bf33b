"""A domain: the events, relations, rules and texts of one product, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from tidings.contracts.event import Event
from tidings.contracts.relations import RelationChanges
from tidings.contracts.rules import Rule


class Upcast(NamedTuple):
    """A former shape of an event, and the function that converts it to the current shape."""

    shape: type[Event]
    upcast: Callable[[Any], Event]


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The events of one product, the relations that they change, its rules and their texts.

    `texts`: the folder of its Fluent files, one for each locale; None if no rule has a template.
    `legacy`: shapes of events that are in logs but are no longer accepted as new.
    `reserved`: only Tidings itself may emit these events. `protected`: they decide who may do what,
    so the scope `emit` alone does not permit them.
    """

    name: str
    events: tuple[type[Event], ...]
    relations: RelationChanges = field(default_factory=dict[type[Event], Any])
    rules: tuple[Rule, ...] = ()
    texts: Traversable | None = None
    legacy: tuple[Upcast, ...] = ()
    reserved: bool = False
    protected: bool = False
