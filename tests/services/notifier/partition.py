"""A partition of a test's own: its events, who routes them, and what was told."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from uuid import uuid4

import msgspec
from tidings.contracts import events
from tidings.contracts.codec import decode_entry
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.events.base import Event
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import (
    EVENTS,
    NOTIFICATIONS,
    Person,
    escape,
    events_of,
    inbox,
    position,
)
from tidings.notifier.audience import AudienceFold
from tidings.notifier.position import SERVICE, Fence, Position, PositionMessage, take_over
from tidings.notifier.router import Router
from tidings.notifier.topics import topics
from tidings.notifier.writer import Output, Writer
from tidings.projections.audience import AUDIENCE
from tidings.runtime.append import BATCH_LIMIT_MESSAGES, Appender, Draft
from tidings.runtime.follow import Message
from tidings.runtime.process import Runtime
from tidings.runtime.read import last, read
from tidings.runtime.readmodel import live

from tests.services.notifier.facts import body

_numbers = count(900)


class OwnPartition:
    """A partition that no notifier of the installation routes, with a tenant that nobody else uses."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.number = next(_numbers)
        self.tenant = f"t{uuid4().hex[:10]}"
        self.epoch = runtime.epochs[EVENTS]
        self.appender = Appender(runtime.jetstream)
        self.topic_recipients = runtime.settings.topic_recipients
        self.since = 0

    async def begun(self) -> OwnPartition:
        """Itself, taken over once: whoever comes next has only to look through what is written from now on."""
        self.since = (await self.taken_over()).sequence
        return self

    async def another(self) -> OwnPartition:
        """One more of these."""
        return await OwnPartition(self.runtime).begun()

    async def happened(
        self, event: Event, identifier: str | None = None, actor: str | None = None
    ) -> int:
        """Append an event; returns its sequence."""
        return (await self.appender.append(self._draft(event, identifier, actor))).sequence

    async def joined(self, users: Sequence[str]) -> None:
        """Append very many events: these users join the tenant."""
        for first in range(0, len(users), BATCH_LIMIT_MESSAGES):
            crowd = users[first : first + BATCH_LIMIT_MESSAGES]
            await self.appender.append_batch(
                [self._draft(events.UserJoined(user_id=user)) for user in crowd]
            )

    async def announced(self, *users: str, identifier: str | None = None) -> int:
        """Append an event that tells these users; returns its sequence."""
        return await self.happened(
            events.AnnouncementPublished(title="-", message="-", to=Addressees(users=users)),
            identifier,
        )

    async def events(self, after: int = 0) -> list[Message]:
        """The partition's events after a sequence."""
        return await read(self.runtime.jetstream, EVENTS, events_of(self.number), after=after)

    def outputs(self, sequence: int, users: Sequence[str]) -> list[Output]:
        """An event's outputs, one for each user, the last of them with all of it done."""
        drafts = [
            Draft(
                inbox(Person(self.tenant, user), self.runtime.settings.partitions), self._body(user)
            )
            for user in users
        ]
        places = [*range(1, len(users)), 0]
        return [
            Output(draft, Position(sequence, place))
            for draft, place in zip(drafts, places, strict=True)
        ]

    async def taken_over(self) -> Fence:
        """What a process wins that takes the partition over."""
        return await take_over(self.runtime.jetstream, self.appender, self.number, self.epoch)

    def writer(self, fence: Fence, kind: type[Writer] = Writer) -> Writer:
        return kind(self.runtime.jetstream, self.appender, self.number, self.epoch, fence)

    async def router(self, fence: Fence, writer: Writer) -> Router:
        """What routes the partition's events from where a takeover found it."""
        model = await live(self.runtime.postgres, AUDIENCE)
        checkpoint = await model.checkpoint(self.runtime.postgres, self.epoch, self.number)
        fold = AudienceFold(self.runtime.postgres, model, self.number, checkpoint.sequence)
        known = await topics(self.runtime.jetstream, self.number, self.topic_recipients)
        return Router(
            self.number,
            self.runtime.settings.partitions,
            fold,
            known,
            writer,
            self.appender,
            fence.at,
        )

    async def routed(self) -> None:
        """Take over and route what is left."""
        fence = await self.taken_over()
        router = await self.router(fence, self.writer(fence))
        if left := await self.events(after=fence.at.after):
            await router.route(left)
        await router.park()

    async def told(self) -> list[Notification]:
        """All that was told to anybody of the tenant, in the order of the log."""
        found: list[Message] = []
        subject = f"inbox.*.{escape(self.tenant)}.>"
        while page := await read(
            self.runtime.jetstream, NOTIFICATIONS, subject, after=found[-1].sequence if found else 0
        ):
            found += page
        return [
            entry
            for message in found
            if isinstance(entry := decode_entry(message.data), Notification)
        ]

    async def users_told(self) -> list[str]:
        return [notification.user for notification in await self.told()]

    async def stored(self) -> Position | None:
        """The position that lies in the stream by itself."""
        found = await last(self.runtime.jetstream, NOTIFICATIONS, position(SERVICE, self.number))
        message = msgspec.json.decode(found.data, type=PositionMessage) if found else None
        return Position(message.sequence, message.offset) if message else None

    def _draft(
        self, event: Event, identifier: str | None = None, actor: str | None = None
    ) -> Draft:
        named = {"actor": actor} if actor else {}
        return Draft(
            f"events.{self.number}.{self.tenant}.x._.y",
            body(event, identifier or uuid4().hex, tenant=self.tenant, **named),
        )

    def _body(self, user: str) -> bytes:
        identifier = str(uuid4())
        told = {
            "type": "-",
            "category": "-",
            "title": "-",
            "message": "-",
            "created": "2026-01-02T03:04:05Z",
        }
        return msgspec.json.encode(
            {"entry": "notification", "id": identifier, **told, "tenant": self.tenant, "user": user}
        )
