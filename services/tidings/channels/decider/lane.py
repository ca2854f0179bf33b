"""A lane: sends what is ordered on one channel for one partition, and states what came of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from tidings.channels.channel_metrics import ChannelMetrics
from tidings.channels.decider.delivery import Delivery
from tidings.channels.decider.failures import Failures
from tidings.channels.decider.gathering import Gathering
from tidings.channels.decider.judgement import (
    SUMMARY_LIMIT_NOTIFICATIONS,
    Judgement,
    decided_entry,
    judge_order,
)
from tidings.channels.decider.log_time import log_time
from tidings.channels.decider.news import PartitionNews
from tidings.channels.decider.outcomes import Attempt
from tidings.channels.decider.partition_log import PartitionLog
from tidings.channels.decider.places import Place
from tidings.channels.decider.reading import Reading
from tidings.channels.decider.state import StateOfPeople
from tidings.channels.decider.summaries import is_capped
from tidings.channels.decider.when import Decision, choice_of
from tidings.channels.hosts import OPEN_HOST, HostsOfPlaces, TenantHost
from tidings.channels.pace import Pace
from tidings.channels.results import Deferred, Failed, LanePaused, SendResult
from tidings.channels.retry import (
    FAILING_ATTEMPTS,
    FAILING_LIMIT,
    SUPPRESSED_IF_FAILING,
    demanded_attempt,
)
from tidings.client.jetstream import JetStream
from tidings.contracts.channels import Channel
from tidings.contracts.deliveries import Outcome, Reason
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person
from tidings.projections.preferences.settings import PersonSettings

PAGE_ORDERS = 100
TAKEN_LIMIT_ORDERS = 500
"""As many are taken at once if most of them may wait for their hosts."""
FRESH_SECONDS = 1.0
"""What waited for longer is judged again before it is sent."""

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


class StateOfOrders(NamedTuple):
    """What orders are judged by, as of `at` by the log's clock; `read`: by this process's.

    `ordered_before`: of each order, how many the same person had in the hour before it; `counted`:
    the orders as they were when they were counted.
    """

    people: StateOfPeople
    ordered_before: Mapping[str, int]
    counted: Mapping[str, Delivery]
    at: datetime
    read: float


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
        metrics: ChannelMetrics,
        hosts: HostsOfPlaces | None = None,
        *,
        pace: Pace | None = None,
        resends: bool = True,
    ) -> None:
        """`limit`: as many are claimed at once; no more can be doubtful after a crash.

        `hosts` bound the attempts at each host; None: the channel has one, with bounds of its own.
        `resends`: what may have arrived or not is sent again.
        """
        self._channel: Channel = channel
        self._sender = sender
        self._slots = asyncio.Semaphore(limit)
        self._jetstream = jetstream
        self._reading = reading
        self._log = log
        self._news = news
        self._failures = failures
        self._metrics = metrics
        self._hosts = hosts
        self._pace = pace
        self._resends = resends
        self._anew = Gathering(self._read_anew, PAGE_ORDERS)
        self._taken = asyncio.Semaphore(TAKEN_LIMIT_ORDERS if hosts else 2 * limit)

    async def run(self) -> None:
        """Send until something fails; raises Fenced or Unavailable."""
        ordered, after = self._news.ordered(self._channel), 0
        async with asyncio.TaskGroup() as group:
            while True:
                ordered.clear()
                await self._reading.wait_for_deliveries(max(self._news.newest, self._log.newest))
                page = await self._reading.ordered(
                    self._log.number, self._channel, after, PAGE_ORDERS
                )
                if page:
                    after = max(each.ordered or 0 for each in page)
                    await self._take_orders(page, group)
                else:
                    await ordered.wait()

    async def _take_orders(self, page: list[Delivery], group: asyncio.TaskGroup) -> None:
        """Begin to send orders; those of a host that is slow wait without holding up others."""
        state = await self._read_state(page)
        for delivery in page:
            await self._taken.acquire()
            self._news.in_hand += 1
            task = group.create_task(self._handle(delivery, state))
            task.add_done_callback(self._release)

    def _release(self, _: object) -> None:
        self._taken.release()
        self._news.in_hand -= 1

    async def _read_state(self, page: list[Delivery]) -> StateOfOrders:
        """Return a state that includes all that was acknowledged before this moment."""
        read = time.monotonic()
        at = await log_time(self._jetstream)
        barrier = await self._reading.barrier()
        people = await self._reading.state([key for each in page for key in each.keys], barrier)
        counted = [each.id for each in page if is_capped(each)]
        return StateOfOrders(people, *await self._reading.ordered_before(counted), at, read)

    async def _read_anew(
        self, deliveries: list[Delivery]
    ) -> tuple[dict[str, Delivery], StateOfOrders]:
        """Return orders as they are by now, by their id, and the state to judge them by."""
        found = await self._reading.anew(deliveries)
        return found, await self._read_state([*found.values()])

    def _judge(self, delivery: Delivery, state: StateOfOrders) -> Judgement:
        ordered_before = state.ordered_before.get(delivery.id, 0)
        return judge_order(delivery, state.people, ordered_before, state.at)

    async def _handle(self, delivery: Delivery, state: StateOfOrders) -> None:
        """Send an order once its host and the lane have room for it, or put it off."""
        delivery = state.counted.get(delivery.id, delivery)
        judgement = self._judge(delivery, state)
        host = OPEN_HOST
        if self._hosts and judgement.place:
            host = self._hosts.host_of(delivery.person.tenant, judgement.place)
        if seconds := host.crowded_seconds():
            await self._put_off(delivery, judgement, state, seconds)
            return
        async with host.slot(), self._slots:
            if self._pace:
                await self._pace.wait()
            if time.monotonic() - state.read > FRESH_SECONDS:
                deliveries, state = await self._anew.ask(delivery)
                delivery = state.counted.get(delivery.id, deliveries[delivery.id])
                judgement = self._judge(delivery, state)
            if seconds := host.pause_seconds():
                await self._put_off(delivery, judgement, state, seconds)
            else:
                await self._send(delivery, judgement, state, host)

    async def _put_off(
        self, delivery: Delivery, judgement: Judgement, state: StateOfOrders, seconds: float
    ) -> None:
        """Hold an order until its host may be tried; that costs no attempt."""
        if judgement.decision.state == "ordered":
            until = demanded_attempt(
                delivery.id, delivery.attempt, after_seconds=seconds, now=state.at
            )
            decision = Decision("held", until, Reason(code="paced"))
            judgement = judgement._replace(decision=decision)
        entry = decided_entry(delivery, judgement, state.people, state.at)
        await self._log.append([(delivery.person, entry)])

    async def _send(
        self, delivery: Delivery, judgement: Judgement, orders: StateOfOrders, host: TenantHost
    ) -> None:
        person, state, at = delivery.person, orders.people, orders.at
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
                judgement.notifications[-SUMMARY_LIMIT_NOTIFICATIONS:],
                judgement.total,
                judgement.total > 1,
                choice_of(settings, newest, self._channel).chosen.locked,
                at,
            )
        )
        milliseconds = round((time.perf_counter() - began) * 1000)
        host.record(result)
        result = await self._given_up(delivery, result, at)
        if isinstance(result, LanePaused):
            log.error("%s cannot be sent: %s %s", self._channel, result.code, result.reply)
        outcome = Attempt(delivery, newest, at, self._resends).outcome(result, milliseconds)
        if outcome.state == "failed":
            await self._failures.state(delivery, newest, result)
        await self._log.append([(person, outcome)])
        self._metrics.record_outcome(self._channel, outcome)

    async def _given_up(self, delivery: Delivery, result: SendResult, at: datetime) -> SendResult:
        """Return what a result means for an address that nothing has reached for days."""
        if not isinstance(result, Deferred) or self._channel not in SUPPRESSED_IF_FAILING:
            return result
        if (
            delivery.attempt < FAILING_ATTEMPTS
            and at - (delivery.first_ordered or at) < FAILING_LIMIT
        ):
            return result
        since = await self._reading.failing_since(delivery)
        if since is None or at - since < FAILING_LIMIT:
            return result
        return Failed(reason="refused", code=result.code, reply=result.reply, suppress="failing")
