"""Signals: what people say to those connected who stand in a relation with them; published to all edges, never stored."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from datetime import datetime

import msgspec
from tidings.contracts.codec import encode
from tidings.contracts.frames import Signal, Signalled
from tidings.contracts.gossip import Uttered
from tidings.contracts.subjects import SIGNALS, Person, Topic, signal, tenant_of
from tidings.edge.here import Here
from tidings.edge.members import Members, TooLarge
from tidings.edge.wire import Page
from tidings.runtime.errors import Unavailable
from tidings.runtime.jetstream import Delivery, JetStream

WAITING_LIMIT = 5000
BATCH = 200

log = logging.getLogger("tidings.signals")
_uttered: msgspec.json.Decoder[Uttered] = msgspec.json.Decoder(Uttered)


class Signals:
    """Sends signals, and delivers those of all edges to the connections here. `dropped` counts those that came too fast for that."""

    def __init__(self, jetstream: JetStream, here: Here, members: Members, partitions: int) -> None:
        self._jetstream = jetstream
        self._here = here
        self._members = members
        self._partitions = partitions
        self._waiting: deque[tuple[Topic, Uttered]] = deque()
        self._wake = asyncio.Event()
        self.dropped = 0

    async def send(
        self, person: Person, connection: str | None, said: Signal, now: datetime
    ) -> None:
        """Say it to all who are connected, but not to the connection it came from; raises NoMember, TooLarge or Unavailable."""
        await self._members.admit(person.user, Topic(person.tenant, said.to))
        uttered = Uttered(
            user=person.user,
            connection=connection,
            to=said.to,
            name=said.name,
            data=said.data,
            at=now,
        )
        await self._jetstream.publish(signal(person.tenant, self._partitions), encode(uttered))

    async def deliver(self) -> None:
        """Hear and deliver until cancelled."""
        async with self._jetstream.subscribed(SIGNALS, self._heard):
            while True:
                await self._wake.wait()
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]
                if not self._waiting:
                    self._wake.clear()
                await self._deliver(batch)

    def _heard(self, delivery: Delivery) -> None:
        tenant = tenant_of(delivery.subject)
        if not self._here.tabs(tenant):
            return
        if len(self._waiting) >= WAITING_LIMIT:
            self.dropped += 1
            return
        try:
            uttered = _uttered.decode(delivery.data)
        except (msgspec.DecodeError, ValueError):
            log.warning("a signal that makes no sense; is another version running?")
            return
        self._waiting.append((Topic(tenant, uttered.to), uttered))
        self._wake.set()

    async def _deliver(self, batch: list[tuple[Topic, Uttered]]) -> None:
        topics = {topic for topic, _ in batch}
        found = dict(
            zip(
                topics, await asyncio.gather(*[self._users(topic) for topic in topics]), strict=True
            )
        )
        for topic, uttered in batch:
            self._tell(topic, found[topic], uttered)

    async def _users(self, topic: Topic) -> frozenset[str]:
        """To whom it goes: nobody, if that cannot be said."""
        with suppress(Unavailable, TooLarge):
            return await self._members.of(topic)
        return frozenset()

    def _tell(self, topic: Topic, users: frozenset[str], said: Uttered) -> None:
        here = self._here.tabs(topic.tenant)
        page = Page(
            "signal",
            encode(
                Signalled(sender=said.user, to=said.to, name=said.name, data=said.data, at=said.at)
            ),
        )
        for user in users & here.keys():
            for tab in here[user]:
                if tab.id != said.connection:
                    tab.tell(page)
