"""A story: people with a front end open, and what happens to them; who must hear of it is part of it, so that it can fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tidings.contracts.events.base import Event


class Fact(NamedTuple):
    """An event and who brought it about."""

    event: Event
    actor: str | None = None


class FrontEnd(NamedTuple):
    """How a product's pages listen: at a path, by WebSocket or by event stream; `shows` is the line for a frame that brings something."""

    path: str
    shows: Callable[[Mapping[str, Any]], str | None]
    by_stream: bool = False


class Happens(NamedTuple):
    """Something happens, and each of these people is shown so many notifications of it."""

    words: str
    facts: tuple[Fact, ...]
    shown: Mapping[str, int]


class Leaves(NamedTuple):
    """Somebody's page is gone."""

    words: str
    user: str


class Returns(NamedTuple):
    """Somebody's page is back, and shows what was missed: so many notifications."""

    words: str
    user: str
    missed: int


Scene = Happens | Leaves | Returns


class Story(NamedTuple):
    """What is told before anybody looks, and then scene by scene; `people` says who each user is."""

    name: str
    title: str
    front_end: FrontEnd
    people: Mapping[str, str]
    before: tuple[Fact, ...]
    scenes: tuple[Scene, ...]
