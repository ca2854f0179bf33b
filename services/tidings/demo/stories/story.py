"""A story: users with a front end, events, and who must be notified, so that it can fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tidings.contracts.event import Event


class StoryEvent(NamedTuple):
    """An event and its actor."""

    event: Event
    actor: str | None = None


class FrontEnd(NamedTuple):
    """How a product's page listens: its path, its transport, and the line it shows for a frame."""

    path: str
    format_frame: Callable[[Mapping[str, Any]], str | None]
    by_stream: bool = False


class EventsScene(NamedTuple):
    """Events, and how many notifications each user is shown of them."""

    caption: str
    events: tuple[StoryEvent, ...]
    notifications: Mapping[str, int]


class LeaveScene(NamedTuple):
    """A user's page is closed."""

    caption: str
    user: str


class ReturnScene(NamedTuple):
    """A user's page is opened again and shows so many missed notifications."""

    caption: str
    user: str
    missed: int


Scene = EventsScene | LeaveScene | ReturnScene


class Story(NamedTuple):
    """The opening events and the scenes; `people` describes each user."""

    name: str
    title: str
    front_end: FrontEnd
    people: Mapping[str, str]
    initial_events: tuple[StoryEvent, ...]
    scenes: tuple[Scene, ...]
