"""Plays a story in a tenant of its own: emits its events and checks what front ends show."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from uuid import uuid4

from rich.console import Console
from tidings.cli.terminal.listen import escape_text
from tidings.cli.terminal.story_screen import MissingNotification, Screen
from tidings.client.tidings import Tidings
from tidings.contracts.subjects import Person
from tidings.demo.stories.story import (
    EventsScene,
    LeaveScene,
    ReturnScene,
    Scene,
    Story,
    StoryEvent,
)
from tidings.runtime.auth.emit_rights import EVERY_EMIT_SCOPE
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.settings import Settings

TOKEN_SECONDS = 600
COLORS = ("cyan", "magenta", "yellow", "green", "blue")


async def play_story(story: Story, settings: Settings, console: Console) -> None:
    """Play a story; raises MissingNotification if a user is not shown what they should be."""
    await StoryPlayer(story, settings, console).play_scenes()


class StoryPlayer:
    """The users of a story, each with a screen."""

    def __init__(self, story: Story, settings: Settings, console: Console) -> None:
        self._story = story
        self._console = console
        self._settings = settings
        self._tenant = f"{story.name}-{uuid4().hex[:8]}"
        self._screens = {
            user: self._screen(user, color)
            for user, color in zip(story.people, COLORS, strict=False)
        }
        self._expected = dict.fromkeys(story.people, 0)

    async def play_scenes(self) -> None:
        """Open all screens and play scene after scene."""
        people = ", ".join(f"{user} ({words})" for user, words in self._story.people.items())
        self._console.print(
            f"\n[bold]{self._story.title}[/bold]\n"
            f"[dim]{people}; their pages listen at {self._story.front_end.path}[/dim]"
        )
        async with AsyncExitStack() as stack:
            tidings = await stack.enter_async_context(
                Tidings(
                    self._url,
                    self._token("story", EVERY_EMIT_SCOPE),
                    source=f"/story/{self._story.name}",
                )
            )
            await self._emit(tidings, self._story.initial_events)
            for screen in self._screens.values():
                stack.push_async_callback(screen.close)
                screen.open()
            for scene in self._story.scenes:
                await self._play_scene(tidings, scene)
        self._console.print("\n[dim]Nobody missed anything.[/dim]\n")

    async def _play_scene(self, tidings: Tidings, scene: Scene) -> None:
        self._console.print(f"\n{scene.caption}")
        match scene:
            case EventsScene():
                await self._emit(tidings, scene.events)
                for user, count in scene.notifications.items():
                    await self._expect_notifications(user, count)
            case LeaveScene():
                await self._screens[scene.user].close()
            case ReturnScene():
                self._screens[scene.user].open()
                await self._expect_notifications(scene.user, scene.missed)
        self._check_nothing_more()

    async def _emit(self, tidings: Tidings, facts: tuple[StoryEvent, ...]) -> None:
        for event, actor in facts:
            await tidings.emit(event, actor=actor)

    async def _expect_notifications(self, user: str, count: int) -> None:
        self._expected[user] += count
        try:
            await self._screens[user].wait_for_count(self._expected[user])
        except MissingNotification as problem:
            raise MissingNotification(f"{user}: {problem}") from None

    def _check_nothing_more(self) -> None:
        for user, expected in self._expected.items():
            if (count := self._screens[user].count) > expected:
                raise MissingNotification(
                    f"{user}: {count} notifications were shown instead of {expected}"
                )

    def _screen(self, user: str, color: str) -> Screen:
        def show(line: str) -> None:
            self._console.print(f"  [{color}]{user:>8} │[/{color}] {escape_text(line)}")

        return Screen(self._story.front_end, self._url, self._token(user, "inbox"), show)

    def _token(self, user: str, scope: str) -> str:
        return issue_token(
            Person(self._tenant, user), scope, self._settings.secret, time.time(), TOKEN_SECONDS
        )

    @property
    def _url(self) -> str:
        return self._settings.base_url
