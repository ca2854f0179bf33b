"""The company of the stage: the five stories' people, each story in a tenant of its own, and what they do there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from msgspec import Struct
from tidings.cli.terminal.stories.story import Fact, Happens, Leaves, Story
from tidings.contracts.draft import Draft, draft
from tidings.contracts.envelope import Envelope
from tidings.contracts.subjects import Person
from tidings.runtime.append import Appender
from tidings.runtime.auth import issue
from tidings.runtime.problem import Problem
from tidings.runtime.settings import Settings

SOURCE = "/demo/stage"
TOKEN_SECONDS = 900.0


class Signed(Struct, frozen=True, kw_only=True):
    """Who has signed in: a token of scope `inbox`, and for how long it holds."""

    tenant: str
    user: str
    token: str
    expires_in_seconds: float


class Happened(Struct, frozen=True, kw_only=True):
    """An event that was appended, and where it stands in the log."""

    type: str
    actor: str | None
    sequence: int


class Company:
    """Everybody who may sign in, and everything that may be made happen."""

    def __init__(self, stories: Sequence[Story], settings: Settings, appender: Appender) -> None:
        self.stories = stories
        self._settings = settings
        self._appender = appender
        self._begun: set[str] = set()

    async def sign_in(self, story: str, user: str) -> Signed:
        """Sign in as one of a story's people, to whom something has happened already; raises Problem."""
        told = self._story(story)
        if user not in told.people:
            raise Problem(
                404,
                "not found",
                f"nobody is called so in that story; there are {', '.join(told.people)}",
            )
        await self._begin(told)
        return Signed(
            tenant=tenant(told),
            user=user,
            token=self._token(Person(tenant(told), user)),
            expires_in_seconds=TOKEN_SECONDS,
        )

    async def make_happen(self, story: str, number: int) -> list[Happened]:
        """Append the events of a scene, all or none; raises Problem."""
        told = self._story(story)
        scene = told.scenes[number] if 0 <= number < len(told.scenes) else None
        if not isinstance(scene, Happens):
            raise Problem(
                404,
                "not found",
                "nothing happens in a scene of that number; /demo/stories has them all",
            )
        drafts = [self._draft(told, fact, str(uuid4())) for fact in scene.facts]
        placed = await self._appender.append_batch(drafts)
        return [
            Happened(type=fact.event.type, actor=fact.actor, sequence=at.sequence)
            for fact, at in zip(scene.facts, placed, strict=True)
        ]

    async def _begin(self, story: Story) -> None:
        """State what came before: under the same ids every time, so that nobody is told twice."""
        if story.name not in self._begun:
            await self._appender.append_batch(
                [self._draft(story, fact, f"before-{at}") for at, fact in enumerate(before(story))]
            )
            self._begun.add(story.name)

    def _draft(self, story: Story, fact: Fact, identifier: str) -> Draft:
        sealed = Envelope(source=SOURCE, tenant=tenant(story)).sealed(
            fact.event, id=identifier, actor=fact.actor, time=datetime.now(UTC)
        )
        return draft(sealed.body, tenant(story), self._settings.partitions)

    def _token(self, person: Person) -> str:
        named = {"aud": self._settings.audience, "iss": self._settings.issuer}
        claims = {claim: words[0] for claim, words in named.items() if words}
        return issue(person, "inbox", self._settings.secret, time.time(), TOKEN_SECONDS, **claims)

    def _story(self, name: str) -> Story:
        for story in self.stories:
            if story.name == name:
                return story
        raise Problem(
            404,
            "not found",
            f"there is no such story; there are {', '.join(each.name for each in self.stories)}",
        )


def tenant(story: Story) -> str:
    """Where a story is played: with nobody in it but its people."""
    return f"demo-{story.name}"


def before(story: Story) -> Iterator[Fact]:
    """All that is told up to where somebody leaves: then everybody stands where the later scenes need them."""
    yield from story.before
    for scene in story.scenes:
        if isinstance(scene, Leaves):
            return
        if isinstance(scene, Happens):
            yield from scene.facts
