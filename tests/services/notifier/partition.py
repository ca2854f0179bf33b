"""A partition that only one test uses: its events, its writers and routers, its notifications."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from uuid import uuid4

import msgspec
from tidings.client.appender import Appender
from tidings.contracts.codec import decode_entry
from tidings.contracts.event import Event
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES, NewMessage
from tidings.contracts.notifications import Notification
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import (
    EVENTS,
    NOTIFICATIONS,
    Person,
    escape,
    partition_events_subject,
    position_subject,
)
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.people.events import UserJoined
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.audience.topics import read_topics
from tidings.notifier.partition.position import SERVICE, events_partition
from tidings.notifier.partition.router import Router
from tidings.projections.audience.projection import AUDIENCE
from tidings.runtime.log.fenced_writer import FencedWriter, Output
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.position import Fence, Position
from tidings.runtime.log.read import last_message, read
from tidings.runtime.log.takeover import take_over
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import live_model

from tests.services.notifier.facts import TEXTS, event_body
from tests.services.notifier.memory import AudienceMemory

_numbers = count(900)


class OwnPartition:
    """A partition that no running notifier routes, with a tenant of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.number = next(_numbers)
        self.tenant = f"t{uuid4().hex[:10]}"
        self.epoch = runtime.epochs[EVENTS]
        self.appender = Appender(runtime.jetstream)
        self.topic_threshold_members = runtime.settings.topic_threshold_members
        self.since = 0
        self.memory: AudienceMemory | None = None
        """What the routers share; without it each asks Postgres."""

    async def prepared_partition(self) -> OwnPartition:
        """Take the partition over once, so that the next process resumes from here; return self."""
        self.since = (await self.take_over()).sequence
        return self

    async def new_partition(self) -> OwnPartition:
        """Return another started partition."""
        return await OwnPartition(self.runtime).prepared_partition()

    async def append_event(
        self, event: Event, identifier: str | None = None, actor: str | None = None
    ) -> int:
        """Append an event, and return its sequence."""
        return (await self.appender.append(self._draft(event, identifier, actor))).sequence

    async def append_joins(self, users: Sequence[str]) -> None:
        """Append an event for each user, by which they join the tenant."""
        for first in range(0, len(users), BATCH_LIMIT_MESSAGES):
            batch = users[first : first + BATCH_LIMIT_MESSAGES]
            await self.appender.append_batch(
                [self._draft(UserJoined(user_id=user)) for user in batch]
            )

    async def append_announcement(self, *users: str, identifier: str | None = None) -> int:
        """Append an event that notifies these users, and return its sequence."""
        return await self.append_event(
            AnnouncementPublished(title="-", message="-", to=Addressees(users=users)),
            identifier,
        )

    async def read_events(self, after: int = 0) -> list[StreamMessage]:
        """Return the events of the partition after a sequence."""
        return await read(
            self.runtime.jetstream, EVENTS, partition_events_subject(self.number), after=after
        )

    def outputs(self, sequence: int, users: Sequence[str]) -> list[Output]:
        """Return the outputs of an event, one for each user; the last completes the event."""
        drafts = [
            NewMessage(
                self.runtime.settings.subjects.inbox_subject(Person(self.tenant, user)),
                self._body(user),
            )
            for user in users
        ]
        places = [*range(1, len(users)), 0]
        return [
            Output(draft, Position(sequence, place))
            for draft, place in zip(drafts, places, strict=True)
        ]

    async def take_over(self, applied: int = 0) -> Fence:
        """Take the partition over, and return the fence."""
        own = events_partition(self.number, self.epoch)
        return await take_over(self.runtime.jetstream, self.appender, own, applied)

    def make_writer(self, fence: Fence, kind: type[FencedWriter] = FencedWriter) -> FencedWriter:
        own = events_partition(self.number, self.epoch)
        return kind(self.runtime.jetstream, self.appender, own, fence)

    async def make_router(self, fence: Fence, writer: FencedWriter) -> Router:
        """Return a router that starts from a fence."""
        model = await live_model(self.runtime.postgres, AUDIENCE)
        checkpoint = await model.checkpoint(self.runtime.postgres, self.epoch, self.number)
        memory = self.memory
        fold = AudienceModel(
            self.runtime.postgres,
            model,
            self.number,
            checkpoint.sequence,
            memory and memory.write_behind,
            memory and memory.known_events,
        )
        topics = await read_topics(
            self.runtime.jetstream,
            self.number,
            self.topic_threshold_members,
            at_least=fence.sequence,
        )
        return Router(
            self.number,
            self.runtime.settings.subjects,
            TEXTS,
            fold,
            topics,
            writer,
            self.appender,
            fence.position,
        )

    async def route_all(self) -> None:
        """Take the partition over, and route all remaining events."""
        fence = await self.take_over()
        model = await live_model(self.runtime.postgres, AUDIENCE)
        checkpoint = await model.checkpoint(self.runtime.postgres, self.epoch, self.number)
        router = await self.make_router(fence, self.make_writer(fence))
        after = min(fence.position.start_after, checkpoint.sequence)
        if events := await self.read_events(after=after):
            await router.route_batch(events)
        # Again, because a takeover may have found the position in a header alone.
        await router.save_position(again=True)

    async def notifications(self) -> list[Notification]:
        """Return all notifications of the tenant, in the order of the log."""
        messages: list[StreamMessage] = []
        subject = f"inbox.*.{escape(self.tenant)}.>"
        while page := await read(
            self.runtime.jetstream,
            NOTIFICATIONS,
            subject,
            after=messages[-1].sequence if messages else 0,
        ):
            messages += page
        return [
            entry
            for message in messages
            if isinstance(entry := decode_entry(message.data), Notification)
        ]

    async def notified_users(self) -> list[str]:
        return [notification.user for notification in await self.notifications()]

    async def saved_position(self) -> Position | None:
        """Return the position that is stored as a message of its own."""
        stored = await last_message(
            self.runtime.jetstream, NOTIFICATIONS, position_subject(SERVICE, self.number)
        )
        message = msgspec.json.decode(stored.data, type=PositionMessage) if stored else None
        return Position(message.sequence, message.offset) if message else None

    def _draft(
        self, event: Event, identifier: str | None = None, actor: str | None = None
    ) -> NewMessage:
        attributes = {"actor": actor} if actor else {}
        domain, _, action = event.type.partition(".")
        return NewMessage(
            f"events.{self.number}.{self.tenant}.{escape(domain)}._.{escape(action)}",
            event_body(event, identifier or uuid4().hex, tenant=self.tenant, **attributes),
        )

    def _body(self, user: str) -> bytes:
        identifier = str(uuid4())
        fields = {
            "type": "-",
            "category": "-",
            "title": "-",
            "message": "-",
            "created": "2026-01-02T03:04:05Z",
        }
        return msgspec.json.encode(
            {
                "entry": "notification",
                "id": identifier,
                **fields,
                "tenant": self.tenant,
                "user": user,
            }
        )
