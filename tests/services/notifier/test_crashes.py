"""Crashes: a notifier that dies anywhere has told some, and the next one tells the others; nobody hears a thing twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress

import pytest
from tidings.contracts import events
from tidings.contracts.codec import decode_entry
from tidings.contracts.notifications import Mark, Notification
from tidings.contracts.subjects import DEAD, NOTIFICATIONS, Person, dead, owner_of
from tidings.notifier.notifier import Partition
from tidings.notifier.position import SERVICE, Position
from tidings.notifier.writer import OUTPUTS_PER_BATCH, Output, Writer
from tidings.runtime.append import Draft
from tidings.runtime.errors import Fenced
from tidings.runtime.read import last

from tests.heard import log_of
from tests.services.notifier.partition import OwnPartition

CROWD = [f"u-{number:04}" for number in range(2500)]
WAIT_SECONDS = 60


@pytest.fixture
async def partition(partition: OwnPartition) -> OwnPartition:
    """A partition that was routed before: only what comes from now on has to be looked through."""
    await partition.taken_over()
    return partition


class Crash(Exception):
    """The process is gone."""


class DyingWriter(Writer):
    """A writer whose process dies after so many outputs."""

    dies_after = 0

    async def write(self, outputs: Iterable[Output], reached: Position) -> None:
        await super().write(self._until_death(outputs), reached)

    def _until_death(self, outputs: Iterable[Output]) -> Iterator[Output]:
        for number, output in enumerate(outputs):
            if number == self.dies_after:
                raise Crash
            yield output


async def died(partition: OwnPartition, after: int) -> Writer:
    """The writer of a process that began to route the partition's events and died after so many outputs."""
    fence = await partition.taken_over()
    writer = partition.writer(fence, DyingWriter)
    assert isinstance(writer, DyingWriter)
    writer.dies_after = after
    router = await partition.router(fence, writer)
    with pytest.raises(Crash):
        await router.route(await partition.events(after=fence.at.after))
        await router.written()
        await router.park()
    return writer


async def went_on(partition: OwnPartition) -> Position:
    """Take over, route what is left and park; returns where it went on."""
    fence = await partition.taken_over()
    router = await partition.router(fence, partition.writer(fence))
    if left := await partition.events(after=fence.at.after):
        await router.route(left)
        await router.written()
    await router.park()
    return fence.at


@pytest.mark.parametrize(
    "deaths", [(0,), (1,), (998,), (1997,), (1998,), (2499,), (2100, 1000), (1998, 500)], ids=str
)
async def test_each_of_2500_is_told_once_though_the_notifier_dies_in_the_middle(
    partition: OwnPartition, deaths: tuple[int, ...]
) -> None:
    sequence = await partition.announced(*CROWD)
    for after in deaths:
        await (await died(partition, after)).settled()
    before = await partition.users_told()

    resumed = await went_on(partition)

    assert len(before) % OUTPUTS_PER_BATCH == 0
    assert resumed == (Position(sequence, len(before)) if before else Position(0))
    assert await partition.users_told() == CROWD
    assert (await partition.taken_over()).at == Position(sequence)


@pytest.mark.parametrize("deaths", [(0,), (2,), (3,), (5,), (1, 3)], ids=str)
async def test_what_is_taken_back_is_taken_and_replaced_once_though_the_notifier_dies(
    partition: OwnPartition, deaths: tuple[int, ...]
) -> None:
    users = ["u-1", "u-2", "u-3"]
    for user in users:
        await partition.happened(events.TaskAssigned(task_id="7", task_title="-", user_id=user))
    await went_on(partition)
    await partition.happened(events.TaskDeleted(task_id="7"))
    for after in deaths:
        await (await died(partition, after)).settled()

    await went_on(partition)

    log = await log_of(partition.runtime.jetstream, partition.tenant)
    for user in users:
        own = [
            type(decode_entry(message.data))
            for message in log
            if owner_of(message.subject) == Person(partition.tenant, user)
        ]
        assert own == [Notification, Mark, Notification]


async def test_what_was_pressed_shows_once_though_the_notifier_dies(
    partition: OwnPartition,
) -> None:
    told = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"
    for action in ("accept", "decline"):
        pressed = events.NotificationActed(
            notification_id=told, user_id="u-1", action=action, notification_type="task.assigned"
        )
        await partition.happened(pressed)
    for after in (0, 1):
        await (await died(partition, after)).settled()

    await went_on(partition)

    log = [
        decode_entry(message.data)
        for message in await log_of(partition.runtime.jetstream, partition.tenant)
    ]
    assert [(entry.state, entry.action) for entry in log if isinstance(entry, Mark)] == [
        ("acted", "accept"),
        ("acted", "decline"),
    ]


async def test_a_batch_still_under_way_at_the_takeover_counts_wholly_or_not_at_all(
    partition: OwnPartition,
) -> None:
    sequence = await partition.announced(*CROWD)
    dying = await died(partition, after=2000)

    try:
        resumed = await went_on(partition)
    except Fenced:  # its batch was committed while the partition was being taken over
        resumed = await went_on(partition)
    with suppress(Fenced):
        await dying.settled()

    assert resumed in (Position(0), Position(sequence, OUTPUTS_PER_BATCH))
    assert await partition.users_told() == CROWD


async def test_the_rest_of_an_event_and_the_events_behind_it_are_told_in_order(
    partition: OwnPartition,
) -> None:
    few, crowd, after = ["u-1", "u-2"], CROWD[:1500], ["u-3"]
    for users in (few, crowd, after):
        await partition.announced(*users)
    await (await died(partition, after=1502)).settled()

    await went_on(partition)

    assert await partition.users_told() == [*few, *crowd, *after]


async def test_an_event_that_comes_again_is_told_once_before_and_after_a_crash(
    partition: OwnPartition,
) -> None:
    await partition.announced("u-1", identifier="same")
    await partition.announced("u-1", identifier="same")
    await went_on(partition)
    await partition.announced("u-1", identifier="same")
    await partition.announced("u-2", identifier="other")

    await went_on(partition)

    assert await partition.users_told() == ["u-1", "u-2"]


async def test_what_is_no_event_is_buried_once_with_the_reason_and_the_others_are_told(
    partition: OwnPartition,
) -> None:
    await partition.announced("u-1")
    noise = Draft(f"events.{partition.number}.{partition.tenant}.x._.y", b'{"specversion":"1.0"}')
    sequence = (await partition.appender.append(noise)).sequence
    await partition.announced("u-2")
    await died(partition, after=1)

    await went_on(partition)

    buried = await last(
        partition.runtime.jetstream, DEAD, dead(SERVICE, partition.number, sequence)
    )
    assert await partition.users_told() == ["u-1", "u-2"]
    assert buried and buried.data == noise.data
    assert buried.headers["Tidings-Reason"] == "id: Object missing required field `id`"
    assert buried.headers["Tidings-Sequence"] == str(sequence)


@pytest.mark.parametrize("seed", range(3))
async def test_a_notifier_stopped_anywhere_again_and_again_tells_everybody_everything_once(
    partition: OwnPartition, seed: int
) -> None:
    chance = random.Random(seed)
    expected: Counter[tuple[str, str]] = Counter()
    for number in range(60):
        users = CROWD[: chance.choice([0, 1, 1, 2, 3, 5, 40, 1200])] or ["u"]
        for _ in range(chance.choice([1, 1, 2])):
            await partition.announced(*users, identifier=f"event {number}")
        expected.update((f"event {number}", user) for user in users)

    lives = 0
    while not await _all_parked(partition):
        lives += 1
        await _live(partition, chance.randint(1, 2500))

    told = Counter(
        (notification.entity.id, notification.user)
        for notification in await partition.told()
        if notification.entity
    )
    assert told == expected
    assert lives > 1


async def _live(partition: OwnPartition, messages: int) -> None:
    """Route until so many messages were written, or until the death throes of the life before end this one."""
    life = asyncio.create_task(Partition(partition.runtime, partition.number).run())
    enough = asyncio.create_task(_more_told(partition, messages))
    await asyncio.wait([life, enough], return_when=asyncio.FIRST_COMPLETED)
    for task in (life, enough):
        task.cancel()
        with suppress(asyncio.CancelledError, Fenced):
            await task


async def _all_parked(partition: OwnPartition) -> bool:
    return await partition.stored() == Position((await partition.events())[-1].sequence)


async def _more_told(partition: OwnPartition, messages: int) -> None:
    """Until so many more messages lie in the stream, or everything is told and parked."""
    begun = await _head(partition)
    async with asyncio.timeout(WAIT_SECONDS):
        while await _head(partition) < begun + messages and not await _all_parked(partition):
            continue


async def _head(partition: OwnPartition) -> int:
    newest = await last(partition.runtime.jetstream, NOTIFICATIONS, ">")
    return newest.sequence if newest else 0
