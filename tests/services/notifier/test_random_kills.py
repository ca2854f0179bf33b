"""Notifiers killed, or fighting, while events arrive: each user is notified once, in order.

`NOTIFIER_KILLS` sets the number of kills, `NOTIFIER_FIGHT_SECONDS` the length of the fight.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from tidings.contracts.subjects import EVENTS, partition_events_subject
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.people.events import UserJoined, UserLeft
from tidings.notifier.audience import known_events
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.partition import leader, routing_loop
from tidings.notifier.partition.loop_member import Member
from tidings.notifier.partition.routing_loop import RoutingLoop
from tidings.runtime.errors import Fenced
from tidings.runtime.log.fenced_writer import FencedWriter
from tidings.runtime.log.position import Position
from tidings.runtime.log.read import last_message

from tests.services.notifier.memory import AudienceMemory
from tests.services.notifier.partition import OwnPartition
from tests.services.notifier.process import NotifierProcess

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


async def check_notifications(partition: OwnPartition, emitter: Emitter) -> None:
    newest = await last_message(
        partition.runtime.jetstream, EVENTS, partition_events_subject(partition.number)
    )
    assert newest
    for _ in range(ROUTES_LIMIT):
        if await partition.saved_position() != Position(newest.sequence):
            with suppress(Fenced):  # a batch of the last process may land meanwhile
                await partition.route_all()
    assert await partition.saved_position() == Position(newest.sequence)
    told: dict[str, list[str]] = {user: [] for user in USERS}
    for notification in await partition.notifications():
        if notification.title.startswith("number"):
            told[notification.user].append(notification.title)
    assert Counter(map(len, told.values())) == Counter(map(len, emitter.expected.values()))
    assert told == emitter.expected


class Leaving:
    """Sends a partition out of the loop whenever it writes; it waits there for a while."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.number = number
        self.count = 0
        self._dice = dice

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the partition leave."""
        begin, write = RoutingLoop._begin_write, FencedWriter.write_outputs  # pyright: ignore

        def begin_write(loop: RoutingLoop, member: Member, *given: Any) -> Any:
            if member.number != self.number or self._dice.random() < 0.3:
                return begin(loop, member, *given)
            self.count += 1
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(routing_loop, "OUTPUTS_LIMIT", -1)
                return begin(loop, member, *given)

        async def write_outputs(writer: FencedWriter, *given: Any) -> None:
            if writer.partition.number == self.number:
                await asyncio.sleep(self._dice.choice((0, 0.01, 0.05)))
            await write(writer, *given)

        monkeypatch.setattr(RoutingLoop, "_begin_write", begin_write)
        monkeypatch.setattr(FencedWriter, "write_outputs", write_outputs)


@pytest.fixture
async def partitions(partition: OwnPartition) -> list[OwnPartition]:
    """Return partitions that a notifier process routes together."""
    return [await partition.new_partition() for _ in range(3)]


@pytest.fixture
def leaving(partitions: list[OwnPartition], monkeypatch: pytest.MonkeyPatch) -> Leaving:
    """Let the first partition leave the loop again and again."""
    leaving = Leaving(partitions[0].number, random.Random(2))
    leaving.patch(monkeypatch)
    return leaving


@pytest.fixture
def emitters(partitions: list[OwnPartition]) -> list[Emitter]:
    return [Emitter(own, random.Random(KILLS + own.number)) for own in partitions]


async def emit(emitters: Sequence[Emitter]) -> None:
    """Append an event in each partition at the same time."""
    await asyncio.gather(*(emitter.emit() for emitter in emitters))


@pytest.mark.parametrize("keeps_memory", [False, True], ids=["killed", "fenced"])
async def test_each_user_is_notified_once_if_the_notifier_is_killed_while_events_arrive(
    partitions: list[OwnPartition],
    emitters: list[Emitter],
    leaving: Leaving,
    memory_uses: list[int],
    keeps_memory: bool,
) -> None:
    dice = random.Random(KILLS)
    memory = AudienceMemory(partitions[0].runtime)
    for _ in range(KILLS):
        memory = memory if keeps_memory else AudienceMemory(partitions[0].runtime)
        async with NotifierProcess(partitions, memory).running():
            for _ in range(dice.randint(1, 40)):
                await emit(emitters)
                await asyncio.sleep(dice.choice((0, 0, 0, 0.002, 0.02)))

    for own, emitter in zip(partitions, emitters, strict=True):
        await check_notifications(own, emitter)
    assert memory_uses, "no event was applied in memory"
    assert leaving.count, "the partition never left the loop"


async def test_each_user_is_notified_once_while_two_notifiers_fight_over_partitions(
    partitions: list[OwnPartition],
    emitters: list[Emitter],
    leaving: Leaving,
    memory_uses: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leader, "STANDBY_SECONDS", 0.0)
    monkeypatch.setattr(leader, "STANDBY_POLL_SECONDS", 0.05)
    dice = random.Random(1)
    end = asyncio.get_running_loop().time() + FIGHT_SECONDS
    async with NotifierProcess(partitions).running(), NotifierProcess(partitions).running():
        while asyncio.get_running_loop().time() < end:
            await emit(emitters)
            await asyncio.sleep(dice.choice((0, 0, 0.01, 0.05)))

    for own, emitter in zip(partitions, emitters, strict=True):
        await check_notifications(own, emitter)
    assert memory_uses, "no event was applied in memory"
    assert leaving.count, "the partition never left the loop"
