"""Sign in as a person of a story and play its scenes, each story in a tenant of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from msgspec import Struct
from tidings.client.tidings import Tidings
from tidings.contracts.event import Event
from tidings.contracts.subjects import Person
from tidings.demo.stories.story import EventsScene, LeaveScene, Story, StoryEvent
from tidings.domains.addresses.events import AddressGiven
from tidings.domains.preferences.events import PreferenceSet
from tidings.runtime.auth.identity import issue_token
from tidings.runtime.http.problem import Problem
from tidings.runtime.settings import Settings

SOURCE = "/demo/stage"
TOKEN_SECONDS = 900.0
RUNS_LIMIT = 10_000
PATIENCE_SECONDS = 10.0
UNREAD_SECONDS = 10
"""How long something is unread in a story before it is mailed."""


class SignInAnswer(Struct, frozen=True, kw_only=True):
    """A token of scope `inbox`, and how long it is valid."""

    tenant: str
    user: str
    token: str
    expires_in_seconds: float


class AppendedEvent(Struct, frozen=True, kw_only=True):
    """An appended event with its sequence."""

    type: str
    actor: str | None
    sequence: int


class Run(NamedTuple):
    """One visitor's performance of the stories, in tenants of its own, without other events.

    `from_start`: only the initial events have happened when it begins, and no scene.
    """

    name: str = ""
    from_start: bool = False


ONLY_RUN = Run()


class DemoBackend:
    """The users who may sign in, and the scenes that may be played."""

    def __init__(self, stories: Sequence[Story], settings: Settings) -> None:
        self.stories = stories
        self._settings = settings
        self._opened: set[str] = set()

    async def sign_in(self, name: str, user: str, run: Run = ONLY_RUN) -> SignInAnswer:
        """Return a session of a story's user, who has notifications already; raises Problem."""
        story = self._find_story(name)
        if user not in story.people:
            raise Problem(
                404,
                "not found",
                f"nobody is called so in that story; there are {', '.join(story.people)}",
            )
        await self._open_story(story, run)
        tenant = tenant_of(story, run)
        return SignInAnswer(
            tenant=tenant,
            user=user,
            token=self._token(Person(tenant, user)),
            expires_in_seconds=TOKEN_SECONDS,
        )

    def address_of(self, name: str, user: str, run: Run = ONLY_RUN) -> str:
        """Return the mail address of a story's user; raises Problem."""
        story = self._find_story(name)
        if user not in story.people:
            raise Problem(404, "not found", "nobody is called so in that story")
        return mail_address(tenant_of(story, run), user)

    async def play_scene(self, name: str, number: int, run: Run = ONLY_RUN) -> list[AppendedEvent]:
        """Emit the events of a scene, in their order; raises Problem."""
        story = self._find_story(name)
        scene = story.scenes[number] if 0 <= number < len(story.scenes) else None
        if not isinstance(scene, EventsScene):
            raise Problem(
                404,
                "not found",
                "nothing happens in a scene of that number; /demo/stories has them all",
            )
        await self._open_story(story, run)
        async with self._client(tenant_of(story, run)) as tidings:
            return [
                await _emit(tidings, event, actor, str(uuid4())) for event, actor in scene.events
            ]

    async def _open_story(self, story: Story, run: Run) -> None:
        """Emit its opening events, with the same ids every time: the log keeps each once."""
        tenant = tenant_of(story, run)
        if tenant in self._opened:
            return
        events = story.initial_events if run.from_start else opening_events(story)
        async with self._client(tenant) as tidings:
            if self._settings.mailbox_url:
                for name, event in mail_events(story, tenant):
                    await _emit(tidings, event, None, name)
            for number, (event, actor) in enumerate(events):
                await _emit(tidings, event, actor, f"before-{number}")
        if len(self._opened) >= RUNS_LIMIT:
            self._opened.clear()
        self._opened.add(tenant)

    def _client(self, tenant: str) -> Tidings:
        return Tidings(
            self._settings.nats,
            source=SOURCE,
            tenant=tenant,
            patience_seconds=PATIENCE_SECONDS,
        )

    def _token(self, person: Person) -> str:
        named = {"aud": self._settings.audience, "iss": self._settings.issuer}
        claims = {claim: words[0] for claim, words in named.items() if words}
        return issue_token(
            person, "inbox", self._settings.secret, time.time(), TOKEN_SECONDS, **claims
        )

    def _find_story(self, name: str) -> Story:
        for story in self.stories:
            if story.name == name:
                return story
        raise Problem(
            404,
            "not found",
            f"there is no such story; there are {', '.join(each.name for each in self.stories)}",
        )


async def _emit(tidings: Tidings, event: Event, actor: str | None, id: str) -> AppendedEvent:
    emitted = await tidings.emit(event, actor=actor, id=id, time=datetime.now(UTC))
    return AppendedEvent(type=event.type, actor=actor, sequence=emitted.sequence)


def tenant_of(story: Story, run: Run) -> str:
    """Return the tenant of a story, which only its users are in."""
    return f"demo-{story.name}-{run.name}" if run.name else f"demo-{story.name}"


def mail_address(tenant: str, user: str) -> str:
    """Return the address at which a user of a story gets mails; no other machine has it."""
    return f"{user}@{tenant}.example"


def mail_events(story: Story, tenant: str) -> Iterator[tuple[str, Event]]:
    """Return the events, each with an id, by which users of a story get mails soon.

    Only a mailbox takes these: the addresses exist nowhere.
    """
    yield (
        "mails",
        PreferenceSet(of="all", channel="email", how="unread", after_seconds=UNREAD_SECONDS),
    )
    for user in story.people:
        address = mail_address(tenant, user)
        yield (
            f"mails-{user}",
            AddressGiven(
                user_id=user, address_id="mail", channel="email", address=address, confirmed=True
            ),
        )


def opening_events(story: Story) -> Iterator[StoryEvent]:
    """Return the events before the first user leaves, which later scenes build on."""
    yield from story.initial_events
    for scene in story.scenes:
        if isinstance(scene, LeaveScene):
            return
        if isinstance(scene, EventsScene):
            yield from scene.events
