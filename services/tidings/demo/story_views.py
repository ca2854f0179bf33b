"""The stories as the demonstration page shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, assert_never

from msgspec import Struct
from tidings.demo.stories.story import EventsScene, LeaveScene, ReturnScene, Scene, Story
from tidings.domains.people.events import UserJoined


class SceneView(Struct, frozen=True, kw_only=True):
    """A scene: `happens` lists event types, `told` how often each user is notified.

    A scene without events is one in which `user` leaves or returns.
    """

    kind: Literal["happens", "leaves", "returns"]
    words: str
    types: Sequence[str] = ()
    told: Mapping[str, int] = {}
    user: str | None = None


class StoryView(Struct, frozen=True, kw_only=True):
    """A story: its users with their descriptions and locales, and its scenes."""

    name: str
    title: str
    people: Mapping[str, str]
    locales: Mapping[str, str]
    scenes: Sequence[SceneView]


def story_views(stories: Sequence[Story]) -> list[StoryView]:
    """Return all stories as the page shows them."""
    return [
        StoryView(
            name=story.name,
            title=story.title,
            people=story.people,
            locales=dict(_locales(story)),
            scenes=[_scene_view(scene) for scene in story.scenes],
        )
        for story in stories
    ]


def _locales(story: Story) -> Iterator[tuple[str, str]]:
    for fact in story.initial_events:
        if isinstance(fact.event, UserJoined) and fact.event.locale:
            yield fact.event.user_id, fact.event.locale


def _scene_view(scene: Scene) -> SceneView:
    match scene:
        case EventsScene():
            return SceneView(
                kind="happens",
                words=scene.caption,
                types=[fact.event.type for fact in scene.events],
                told=scene.notifications,
            )
        case LeaveScene():
            return SceneView(kind="leaves", words=scene.caption, user=scene.user)
        case ReturnScene():
            return SceneView(kind="returns", words=scene.caption, user=scene.user)
        case _:
            assert_never(scene)
