"""A lane: sends what is ordered on one channel for one partition, and states what came of it."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from tidings.channels.decider.delivery import Delivery
from tidings.channels.decider.failures import Failures
from tidings.channels.decider.judgement import Judgement, decided_entry, judge
from tidings.channels.decider.log_time import log_time
from tidings.channels.decider.news import PartitionNews
from tidings.channels.decider.partition_log import PartitionLog
from tidings.channels.decider.places import Place
from tidings.channels.decider.reading import Reading
from tidings.channels.decider.state import StateOfPeople
from tidings.channels.decider.when import choice_of
from tidings.channels.results import (
    Deferred,
    Doubtful,
    Failed,
    LanePaused,
    SendResult,
    Sent,
)
from tidings.channels.retry import demanded_attempt, next_attempt
from tidings.client.jetstream import JetStream
from tidings.contracts.channels import Channel
from tidings.contracts.deliveries import Outcome
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person
from tidings.projections.preferences.settings import PersonSettings

PAGE_ORDERS = 100
PAUSE = timedelta(minutes=1)
"""How long a lane that an operator must mend waits between attempts."""

log = logging.getLogger("tidings.channels")


class Letter(NamedTuple):
    """What is to be sent: to a place of a person, of the newest of `total` notifications.

    `required`: the person cannot turn it off. `at`: the moment of the decision, by the log's clock.
    """

    delivery: str
    person: Person
    place: Place
    settings: PersonSettings
    notifications: tuple[Notification, ...]
    total: int
    summary: bool
    required: bool
    at: datetime


class Sender(Protocol):
    """Sends on one channel, over a bounded number of connections that all partitions share."""

    async def send(self, letter: Letter) -> SendResult:
        """Send, and return what the other side answered; raises nothing but cancellation."""
        ...


class Lane:
    """Takes the orders of a channel in a partition, in the order of the log."""

    def __init__(
        self,
        channel: Channel,
        sender: Sender,
        limit: int,
        jetstream: JetStream,
        reading: Reading,
        log: PartitionLog,
        news: PartitionNews,
        failures: Failures,
    ) -> None:
        """`limit`: as many are claimed at once; no more can be doubtful after a crash."""
        self._channel: Channel = channel
        self._sender = sender
        self._slots = asyncio.Semaphore(limit)
        self._jetstream = jetstream
        self._reading = reading
        self._log = log
        self._news = news
        self._failures = failures

    async def run(self) -> None:
        """Send until something fails; raises Fenced or Unavailable."""
        ordered, after = self._news.ordered(self._channel), 0
        while True:
            ordered.clear()
            await self._reading.wait_for_deliveries(max(self._news.newest, self._log.newest))
            page = await self._reading.ordered(self._log.number, self._channel, after, PAGE_ORDERS)
            if page:
                after = max(each.ordered or 0 for each in page)
                await self._send_page(page)
            else:
                await ordered.wait()

    async def _send_page(self, page: list[Delivery]) -> None:
        """Send orders, unless what was acknowledged before this moment speaks against it."""
        at = await log_time(self._jetstream)
        barrier = await self._reading.barrier()
        state = await self._reading.state([key for each in page for key in each.keys], barrier)
        async with asyncio.TaskGroup() as group:
            for delivery in page:
                await self._slots.acquire()
                task = group.create_task(
                    self._handle(delivery, judge(delivery, state, at), state, at)
                )
                task.add_done_callback(lambda _: self._slots.release())

    async def _handle(
        self, delivery: Delivery, judgement: Judgement, state: StateOfPeople, at: datetime
    ) -> None:
        person = delivery.person
        if judgement.decision.state != "ordered" or judgement.place is None:
            await self._log.append([(person, decided_entry(delivery, judgement, state, at))])
            return
        claim = Outcome(delivery=delivery.id, attempt=delivery.attempt, state="claimed")
        await self._log.append([(person, claim)])
        began = time.perf_counter()
        settings = state.settings.people[person]
        newest = judgement.notifications[-1]
        result = await self._sender.send(
            Letter(
                delivery.id,
                person,
                judgement.place,
                settings,
                judgement.notifications,
                judgement.total,
                delivery.summary,
                choice_of(settings, newest, self._channel).chosen.locked,
                at,
            )
        )
        milliseconds = round((time.perf_counter() - began) * 1000)
        outcome = self._outcome(delivery, result, newest, milliseconds, at)
        if outcome.state == "failed":
            await self._failures.state(delivery, newest, result)
        await self._log.append([(person, outcome)])

    def _outcome(
        self,
        delivery: Delivery,
        result: SendResult,
        notification: Notification,
        milliseconds: int,
        at: datetime,
    ) -> Outcome:
        state, until = "sent", None
        match result:
            case Sent():
                pass
            case Doubtful():
                until = self._next_attempt(delivery, notification, at)
                state = "doubtful"
            case Deferred(after_seconds=None):
                until = self._next_attempt(delivery, notification, at)
                state = "deferred" if until else "failed"
            case Deferred():
                seconds = result.after_seconds or 0.0
                until = demanded_attempt(
                    delivery.id, delivery.attempt, after_seconds=seconds, now=at
                )
                state = "deferred"
            case LanePaused():
                log.error("%s cannot be sent: %s %s", self._channel, result.code, result.reply)
                until, state = at + PAUSE, "deferred"
            case Failed():
                state = "failed"
        return Outcome(
            delivery=delivery.id,
            attempt=delivery.attempt,
            state=state,
            code=result.code,
            reply=result.reply or None,
            until=until,
            milliseconds=milliseconds,
        )

    def _next_attempt(
        self, delivery: Delivery, notification: Notification, at: datetime
    ) -> datetime | None:
        return next_attempt(
            self._channel,
            delivery.id,
            delivery.attempt,
            first=delivery.first_ordered or at,
            now=at,
            expires=notification.expires,
        )
