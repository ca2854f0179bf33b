"""Play: a story from its beginning to its end, in a tenant of its own, told to the gateway and seen through the front end."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from uuid import uuid4

from rich.console import Console
from tidings.cli.terminal.listen import printable
from tidings.cli.terminal.stories.screen import Screen, Unseen
from tidings.cli.terminal.stories.story import Fact, Happens, Leaves, Returns, Scene, Story
from tidings.client.tidings import Tidings
from tidings.contracts.subjects import Person
from tidings.runtime.auth import issue
from tidings.runtime.settings import Settings

TOKEN_SECONDS = 600
COLORS = ("cyan", "magenta", "yellow", "green", "blue")


async def play(story: Story, settings: Settings, console: Console) -> None:
    """Tell a story; raises Unseen if somebody in it is not shown what they should be."""
    await Stage(story, settings, console).play()


class Stage:
    """The people of a story, each with a screen."""

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

    async def play(self) -> None:
        """Everybody looks, and scene follows scene."""
        people = ", ".join(f"{user} ({words})" for user, words in self._story.people.items())
        self._console.print(
            f"\n[bold]{self._story.title}[/bold]\n[dim]{people}; their pages listen at {self._story.front_end.path}[/dim]"
        )
        async with AsyncExitStack() as stack:
            tidings = await stack.enter_async_context(
                Tidings(
                    self._url, self._token("story", "emit"), source=f"/story/{self._story.name}"
                )
            )
            await self._emit(tidings, self._story.before)
            for screen in self._screens.values():
                stack.push_async_callback(screen.close)
                screen.open()
            for scene in self._story.scenes:
                await self._act(tidings, scene)
        self._console.print("\n[dim]Nobody missed anything.[/dim]\n")

    async def _act(self, tidings: Tidings, scene: Scene) -> None:
        self._console.print(f"\n{scene.words}")
        match scene:
            case Happens():
                await self._emit(tidings, scene.facts)
                for user, count in scene.shown.items():
                    await self._sees(user, count)
            case Leaves():
                await self._screens[scene.user].close()
            case Returns():
                self._screens[scene.user].open()
                await self._sees(scene.user, scene.missed)
        self._nothing_more()

    async def _emit(self, tidings: Tidings, facts: tuple[Fact, ...]) -> None:
        for event, actor in facts:
            await tidings.emit(event, actor=actor)

    async def _sees(self, user: str, count: int) -> None:
        self._expected[user] += count
        try:
            await self._screens[user].until(self._expected[user])
        except Unseen as problem:
            raise Unseen(f"{user}: {problem}") from None

    def _nothing_more(self) -> None:
        for user, expected in self._expected.items():
            if (count := self._screens[user].count) > expected:
                raise Unseen(
                    f"{user}: {count} notifications were shown, but there should have been {expected}"
                )

    def _screen(self, user: str, color: str) -> Screen:
        def show(line: str) -> None:
            self._console.print(f"  [{color}]{user:>8} │[/{color}] {printable(line)}")

        return Screen(self._story.front_end, self._url, self._token(user, "inbox"), show)

    def _token(self, user: str, scope: str) -> str:
        return issue(
            Person(self._tenant, user), scope, self._settings.secret, time.time(), TOKEN_SECONDS
        )

    @property
    def _url(self) -> str:
        return self._settings.url or ""
