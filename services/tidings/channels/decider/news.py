"""News of a partition's deliveries: what its clock and its lanes wait for."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime

import msgspec
from tidings.contracts.channels import Channel
from tidings.contracts.deliveries import Decided, Outcome, Planned, Requested, decode_delivery_entry
from tidings.contracts.subjects import DELIVERIES, NOTIFICATIONS, delivery_owner
from tidings.runtime.log.follow import StreamMessage, follow
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime


class PartitionNews:
    """What was appended about a partition's deliveries lately.

    `newest`: the last sequence; rows that lack it are not read. `due_sooner` is set by a delivery
    that is due before `awaited`, `ordered` by an order. `in_hand`: how many orders the lanes have
    taken and not settled.
    """

    def __init__(self) -> None:
        self.newest = 0
        self.in_hand = 0
        self.awaited: datetime | None = None
        self.due_sooner = asyncio.Event()
        self._ordered: defaultdict[Channel | None, asyncio.Event] = defaultdict(asyncio.Event)

    def ordered(self, channel: Channel) -> asyncio.Event:
        """Return the event that is set when something is ordered on a channel."""
        return self._ordered[channel]

    def notice(self, message: StreamMessage) -> None:
        """Take notice of an entry, which was appended by this process or another one."""
        self.newest = max(self.newest, message.sequence)
        try:
            entry = decode_delivery_entry(message.data)
        except msgspec.DecodeError:
            return
        match entry:
            case Planned():
                for step in entry.steps:
                    self._notice(step.state, step.until)
            case Decided() | Outcome():
                self._notice(entry.state, entry.until)
            case Requested():
                self.due_sooner.set()

    def _notice(self, state: str, until: datetime | None) -> None:
        if state == "ordered":
            for event in self._ordered.values():
                event.set()
        if until and (self.awaited is None or until < self.awaited):
            self.due_sooner.set()


class NewsFollower:
    """Tells each partition what is appended about its deliveries."""

    def __init__(self, runtime: Runtime, news_of: Callable[[int], PartitionNews | None]) -> None:
        self._runtime = runtime
        self._news_of = news_of
        self._after: int | None = None
        self.began = asyncio.Event()
        """Set once nothing that is appended will be missed."""

    async def run(self) -> None:
        """Follow from the first attempt's moment on; raises Unavailable or LogLost."""
        jetstream, epoch = self._runtime.jetstream, self._runtime.epochs[NOTIFICATIONS]
        if self._after is None:
            self._after = (await stream_state(jetstream, NOTIFICATIONS)).last_sequence
        self.began.set()
        batches = follow(
            jetstream,
            NOTIFICATIONS,
            (DELIVERIES,),
            after=self._after,
            epoch=epoch,
            position=self._runtime.metrics.followers.position_of("channels news"),
        )
        async with aclosing(batches):
            async for batch in batches:
                for message in batch:
                    number, _ = delivery_owner(message.subject)
                    if news := self._news_of(number):
                        news.notice(message)
                    self._after = message.sequence
