"""Notifiers killed, or fighting, while events arrive: each user is notified once, in order.

`NOTIFIER_KILLS` sets the number of kills, `NOTIFIER_FIGHT_SECONDS` the length of the fight.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress

import pytest
from tidings.contracts.subjects import EVENTS, partition_events_subject
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.people.events import UserJoined, UserLeft
from tidings.notifier.audience import known_events
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.partition import leader
from tidings.notifier.partition.leader import PartitionLeader
from tidings.notifier.partition.position import Position
from tidings.runtime.errors import Transient
from tidings.runtime.log.read import last_message
from tidings.runtime.process import run_forever

from tests.services.notifier.facts import TEXTS
from tests.services.notifier.memory import AudienceMemory, filling
from tests.services.notifier.partition import OwnPartition

KILLS = int(os.environ.get("NOTIFIER_KILLS", "15"))
FIGHT_SECONDS = float(os.environ.get("NOTIFIER_FIGHT_SECONDS", "5"))
USERS = [f"u-{number}" for number in range(40)]
MEMBERS = Addressees(everyone=True)
ROUTES_LIMIT = 20
"""Each routes at least one page of events."""


@pytest.fixture(autouse=True)
def memory_uses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Trust known events soon; return the numbers of events that were applied in memory."""
    monkeypatch.setattr(known_events, "GATHER_SECONDS", 0.0)
    monkeypatch.setattr(known_events, "PAGE_PAUSE_SECONDS", 0.0)
    uses: list[int] = []
    apply = AudienceModel._apply_in_memory  # pyright: ignore[reportPrivateUsage]

    def counted(model: AudienceModel, keys: Sequence[str], *given: object) -> None:
        uses.append(len(keys))
        apply(model, keys, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(AudienceModel, "_apply_in_memory", counted)
    return uses


async def lead(partition: OwnPartition, memory: AudienceMemory) -> None:
    """Lead or stand by as a notifier process does, until cancelled."""
    partition_leader = PartitionLeader(
        partition.runtime,
        partition.number,
        TEXTS,
        memory.write_behind,
        memory.known_events,
    )
    async with filling(memory.known_events):
        await run_forever("partition", partition_leader.run)


class Emitter:
    """Appends events at random, some twice, and knows who must be notified of which."""

    def __init__(self, partition: OwnPartition, dice: random.Random) -> None:
        self._partition = partition
        self._dice = dice
        self._members: set[str] = set()
        self._past: list[tuple[AnnouncementPublished, str]] = []
        self.expected: dict[str, list[str]] = {user: [] for user in USERS}

    async def emit(self) -> None:
        """Append one event."""
        chance = self._dice.random()
        if chance < 0.1:
            await self._change_member(self._dice.choice(USERS))
        elif chance < 0.3 and self._past:
            event, identifier = self._dice.choice(self._past)
            await self._partition.append_event(event, identifier)
        else:
            await self._announce(f"number {len(self._past)}")

    async def _change_member(self, user: str) -> None:
        if user in self._members:
            self._members.discard(user)
            await self._partition.append_event(UserLeft(user_id=user))
        else:
            self._members.add(user)
            await self._partition.append_event(UserJoined(user_id=user))

    async def _announce(self, title: str) -> None:
        to_all = self._dice.random() < 0.3
        users = self._dice.sample(USERS, self._dice.choice((1, 1, 2, 3, 30)))
        to = MEMBERS if to_all else Addressees(users=tuple(users))
        event = AnnouncementPublished(title=title, message="-", to=to)
        self._past.append((event, title))
        for user in self._members if to_all else users:
            self.expected[user].append(title)
        await self._partition.append_event(event, title)


async def cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, Transient):
            await task


async def check_notifications(partition: OwnPartition, emitter: Emitter) -> None:
    newest = await last_message(
        partition.runtime.jetstream, EVENTS, partition_events_subject(partition.number)
    )
    assert newest
    for _ in range(ROUTES_LIMIT):
        if await partition.saved_position() != Position(newest.sequence):
            await partition.route_all()
    assert await partition.saved_position() == Position(newest.sequence)
    told: dict[str, list[str]] = {user: [] for user in USERS}
    for notification in await partition.notifications():
        if notification.title.startswith("number"):
            told[notification.user].append(notification.title)
    assert Counter(map(len, told.values())) == Counter(map(len, emitter.expected.values()))
    assert told == emitter.expected


@pytest.mark.parametrize("keeps_memory", [False, True], ids=["killed", "fenced"])
async def test_each_user_is_notified_once_if_the_notifier_is_killed_while_events_arrive(
    partition: OwnPartition, memory_uses: list[int], keeps_memory: bool
) -> None:
    dice = random.Random(KILLS)
    await partition.prepared_partition()
    emitter = Emitter(partition, dice)
    memory = AudienceMemory(partition.runtime)
    for _ in range(KILLS):
        memory = memory if keeps_memory else AudienceMemory(partition.runtime)
        leading = asyncio.create_task(lead(partition, memory))
        for _ in range(dice.randint(1, 40)):
            await emitter.emit()
            await asyncio.sleep(dice.choice((0, 0, 0, 0.002, 0.02)))
        await cancel([leading])

    await check_notifications(partition, emitter)
    assert memory_uses, "no event was applied in memory"


async def test_each_user_is_notified_once_while_two_notifiers_fight_over_a_partition(
    partition: OwnPartition, memory_uses: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "STANDBY_SECONDS", 0.0)
    monkeypatch.setattr(leader, "STANDBY_POLL_SECONDS", 0.05)
    dice = random.Random(1)
    await partition.prepared_partition()
    emitter = Emitter(partition, dice)
    memories = [AudienceMemory(partition.runtime) for _ in range(2)]
    rivals = [asyncio.create_task(lead(partition, memory)) for memory in memories]
    end = asyncio.get_running_loop().time() + FIGHT_SECONDS
    while asyncio.get_running_loop().time() < end:
        await emitter.emit()
        await asyncio.sleep(dice.choice((0, 0, 0.01, 0.05)))
    await cancel(rivals)

    await check_notifications(partition, emitter)
    assert memory_uses, "no event was applied in memory"
