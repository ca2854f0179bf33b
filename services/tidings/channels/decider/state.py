"""State: what decisions are made on, as of known sequences; values."""

from __future__ import annotations

from typing import NamedTuple

from tidings.channels.decider.when import NotificationFacts
from tidings.contracts.subjects import Person
from tidings.projections.preferences.settings import Settings


class Barrier(NamedTuple):
    """The newest event and the newest entry of a person's log, asked of the leaders.

    What was acknowledged before is at or before them.
    """

    event: int
    entry: int


class NotificationKey(NamedTuple):
    """A notification of a person."""

    person: Person
    id: str


class StateOfPeople(NamedTuple):
    """Settings and notifications in one snapshot; `as_of_*` are its checkpoints."""

    settings: Settings
    notifications: dict[NotificationKey, NotificationFacts]
    as_of_event: int
    as_of_entry: int
