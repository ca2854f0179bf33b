"""The programme of the stage: what its page is told of each story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, assert_never

from msgspec import Struct
from tidings.cli.terminal.stories.story import Happens, Leaves, Returns, Scene, Story
from tidings.contracts.events import UserJoined
from tidings.demo.company import tenant


class Act(Struct, frozen=True, kw_only=True):
    """A scene. What `happens` are events of these types, of which each of `told` is told so often; else `user` goes or comes back."""

    kind: Literal["happens", "leaves", "returns"]
    words: str
    types: Sequence[str] = ()
    told: Mapping[str, int] = {}
    user: str | None = None


class Play(Struct, frozen=True, kw_only=True):
    """A story: who is in it (`people` says who each user is, `locales` who reads another language), and what happens scene by scene."""

    name: str
    title: str
    tenant: str
    people: Mapping[str, str]
    locales: Mapping[str, str]
    scenes: Sequence[Act]


def programme(stories: Sequence[Story]) -> list[Play]:
    """All stories, as the page shows them."""
    return [
        Play(
            name=story.name,
            title=story.title,
            tenant=tenant(story),
            people=story.people,
            locales=dict(_locales(story)),
            scenes=[_act(scene) for scene in story.scenes],
        )
        for story in stories
    ]


def _locales(story: Story) -> Iterator[tuple[str, str]]:
    for fact in story.before:
        if isinstance(fact.event, UserJoined) and fact.event.locale:
            yield fact.event.user_id, fact.event.locale


def _act(scene: Scene) -> Act:
    match scene:
        case Happens():
            return Act(
                kind="happens",
                words=scene.words,
                types=[fact.event.type for fact in scene.facts],
                told=scene.shown,
            )
        case Leaves():
            return Act(kind="leaves", words=scene.words, user=scene.user)
        case Returns():
            return Act(kind="returns", words=scene.words, user=scene.user)
        case _:
            assert_never(scene)
