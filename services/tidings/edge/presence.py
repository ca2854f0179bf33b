"""Presence: who is connected to any edge; the edges tell each other, and nothing of it is stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import msgspec
from tidings.contracts.codec import encode
from tidings.contracts.gossip import AnyGossip, Asked, Changed, Ended, People, Whole
from tidings.contracts.subjects import PRESENCE, Person, presence_of
from tidings.edge.elsewhere import Elsewhere
from tidings.edge.here import Here, by_tenant
from tidings.runtime.errors import Unavailable
from tidings.runtime.jetstream import Delivery, JetStream

TICK_SECONDS = 0.2
ASK_SECONDS = 1.0

log = logging.getLogger("tidings.presence")
_gossip: msgspec.json.Decoder[AnyGossip] = msgspec.json.Decoder(AnyGossip)


class Presence:
    """What an edge knows of who is connected. An edge that falls silent is believed for `believed_seconds` more."""

    def __init__(self, jetstream: JetStream, believed_seconds: float) -> None:
        self._jetstream = jetstream
        self._alive_seconds = believed_seconds / 3
        self._elsewhere = Elsewhere(believed_seconds)
        self._asked_by: set[str] = set()
        self._said = self._asked = 0.0
        self.here = Here(uuid4().hex)

    def online(self, tenant: str, users: Iterable[str]) -> frozenset[str]:
        """Which of these users of a tenant are connected."""
        here, elsewhere = self.here, self._elsewhere
        return frozenset(
            user
            for user in users
            if (person := Person(tenant, user)) in here or person in elsewhere
        )

    @asynccontextmanager
    async def shared(self) -> AsyncGenerator[None]:
        """Hear what other edges say while the block lasts, having asked them all; in the end tell them that it is over."""
        jetstream = self._jetstream
        async with (
            jetstream.subscribed(PRESENCE, self._heard),
            jetstream.subscribed(presence_of(self.here.edge), self._heard),
        ):
            await self._tell(Asked(edge=self.here.edge))
            try:
                yield
            finally:
                await self._tell(Ended(edge=self.here.edge))

    async def tick(self, now: float) -> People:
        """Tell the others what happened here, and say whose presence may have changed anywhere: users by tenant."""
        changed, news = self.here.news(now)
        if not news and self._said + self._alive_seconds <= now:
            news = [self.here.alive()]
        for each in news:
            await self._tell(each)
            self._said = now
        await self._answer()
        await self._ask(now)
        return by_tenant(changed | self._elsewhere.news(now))

    async def _answer(self) -> None:
        asked_by, self._asked_by = self._asked_by, set()
        for edge in asked_by:
            for part in self.here.whole():
                await self._tell(part, presence_of(edge))

    async def _ask(self, now: float) -> None:
        if self._elsewhere.missed and self._asked + ASK_SECONDS <= now:
            self._asked = now
            for edge in self._elsewhere.missed:
                await self._tell(Asked(edge=self.here.edge, of=edge))

    async def _tell(self, gossip: AnyGossip, subject: str = PRESENCE) -> None:
        with suppress(
            Unavailable
        ):  # what was not heard is missed in the next message, and asked for
            await self._jetstream.publish(subject, encode(gossip))

    def _heard(self, delivery: Delivery) -> None:
        try:
            said = _gossip.decode(delivery.data)
        except (msgspec.DecodeError, ValueError):
            log.warning("gossip that makes no sense; is another version running?")
            return
        if said.edge != self.here.edge:
            self._take(said)

    def _take(self, said: AnyGossip) -> None:
        match said:
            case Changed() | Whole():
                self._elsewhere.hear(said, asyncio.get_running_loop().time())
            case Ended():
                self._elsewhere.ended(said)
            case Asked() if said.of in (None, self.here.edge):
                self._asked_by.add(said.edge)
            case Asked():
                pass
