"""Crashes: the next notifier completes what a killed one began, and no user gets it twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress

import pytest
from tidings.contracts.codec import decode_entry
from tidings.contracts.messages import NewMessage
from tidings.contracts.notifications import Mark, Notification
from tidings.contracts.subjects import (
    DEAD_LETTERS,
    NOTIFICATIONS,
    Person,
    dead_letter_subject,
    owner_of,
)
from tidings.domains.notifications.events import NotificationActed
from tidings.domains.volunteers.events import TaskAssigned, TaskDeleted
from tidings.notifier.partition.leader import PartitionLeader
from tidings.notifier.partition.position import SERVICE
from tidings.runtime.errors import Fenced
from tidings.runtime.log.fenced_writer import OUTPUTS_PER_BATCH, FencedWriter, Output
from tidings.runtime.log.position import Position
from tidings.runtime.log.read import last_message

from tests.delivered_titles import read_tenant_log
from tests.services.notifier.facts import TEXTS
from tests.services.notifier.partition import OwnPartition

CROWD = [f"u-{number:04}" for number in range(2500)]
WAIT_SECONDS = 60


@pytest.fixture
async def partition(partition: OwnPartition) -> OwnPartition:
    """Return a partition that was routed before, so that only new events are routed."""
    await partition.take_over()
    return partition


class Crash(Exception):
    """The process has died."""


class DyingWriter(FencedWriter):
    """A writer whose process dies after that many outputs."""

    dies_after = 0

    async def write_outputs(self, outputs: Iterable[Output], reached: Position) -> None:
        await super().write_outputs(self._until_death(outputs), reached)

    def _until_death(self, outputs: Iterable[Output]) -> Iterator[Output]:
        for number, output in enumerate(outputs):
            if number == self.dies_after:
                raise Crash
            yield output


async def route_until_death(partition: OwnPartition, after: int) -> FencedWriter:
    """Route the partition's events until the process dies after that many outputs.

    Return its writer.
    """
    fence = await partition.take_over()
    writer = partition.make_writer(fence, DyingWriter)
    assert isinstance(writer, DyingWriter)
    writer.dies_after = after
    router = await partition.make_router(fence, writer)
    with pytest.raises(Crash):
        await router.route_batch(await partition.read_events(after=fence.position.start_after))
        await router.flush()
        await router.save_position()
    return writer


async def resume_routing(partition: OwnPartition) -> Position:
    """Take over, route the rest, save the position; return the position at the takeover."""
    fence = await partition.take_over()
    router = await partition.make_router(fence, partition.make_writer(fence))
    if events := await partition.read_events(after=fence.position.start_after):
        await router.route_batch(events)
        await router.flush()
    await router.save_position()
    return fence.position


@pytest.mark.parametrize(
    "crash_points",
    [(0,), (1,), (998,), (1997,), (1998,), (2499,), (2100, 1000), (1998, 500)],
    ids=str,
)
async def test_each_of_2500_users_is_notified_once_if_the_notifier_dies(
    partition: OwnPartition, crash_points: tuple[int, ...]
) -> None:
    sequence = await partition.append_announcement(*CROWD)
    for after in crash_points:
        await (await route_until_death(partition, after)).flush()
    before = await partition.notified_users()

    resume_position = await resume_routing(partition)

    assert len(before) % OUTPUTS_PER_BATCH == 0
    assert resume_position == (Position(sequence, len(before)) if before else Position(0))
    assert await partition.notified_users() == CROWD
    assert (await partition.take_over()).position == Position(sequence)


@pytest.mark.parametrize("crash_points", [(0,), (2,), (3,), (5,), (1, 3)], ids=str)
async def test_a_retraction_is_written_once_if_the_notifier_dies(
    partition: OwnPartition, crash_points: tuple[int, ...]
) -> None:
    users = ["u-1", "u-2", "u-3"]
    for user in users:
        await partition.append_event(TaskAssigned(task_id="7", task_title="-", user_id=user))
    await resume_routing(partition)
    await partition.append_event(TaskDeleted(task_id="7"))
    for after in crash_points:
        await (await route_until_death(partition, after)).flush()

    await resume_routing(partition)

    log = await read_tenant_log(partition.runtime.jetstream, partition.tenant)
    for user in users:
        entry_types = [
            type(decode_entry(message.data))
            for message in log
            if owner_of(message.subject) == Person(partition.tenant, user)
        ]
        assert entry_types == [Notification, Mark, Notification]


async def test_an_action_is_written_once_if_the_notifier_dies(
    partition: OwnPartition,
) -> None:
    notification_id = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"
    for action in ("accept", "decline"):
        action_event = NotificationActed(
            notification_id=notification_id,
            user_id="u-1",
            action=action,
            notification_type="task.assigned",
        )
        await partition.append_event(action_event)
    for after in (0, 1):
        await (await route_until_death(partition, after)).flush()

    await resume_routing(partition)

    log = [
        decode_entry(message.data)
        for message in await read_tenant_log(partition.runtime.jetstream, partition.tenant)
    ]
    assert [(entry.state, entry.action) for entry in log if isinstance(entry, Mark)] == [
        ("acted", "accept"),
        ("acted", "decline"),
    ]


async def test_a_batch_in_flight_at_the_takeover_counts_completely_or_not_at_all(
    partition: OwnPartition,
) -> None:
    sequence = await partition.append_announcement(*CROWD)
    dying_writer = await route_until_death(partition, after=2000)

    try:
        resume_position = await resume_routing(partition)
    except Fenced:  # the batch of the dying writer was committed during the takeover
        resume_position = await resume_routing(partition)
    with suppress(Fenced):
        await dying_writer.flush()

    assert resume_position in (Position(0), Position(sequence, OUTPUTS_PER_BATCH))
    assert await partition.notified_users() == CROWD


async def test_the_rest_of_an_event_and_later_events_are_written_in_order(
    partition: OwnPartition,
) -> None:
    few, crowd, after = ["u-1", "u-2"], CROWD[:1500], ["u-3"]
    for users in (few, crowd, after):
        await partition.append_announcement(*users)
    await (await route_until_death(partition, after=1502)).flush()

    await resume_routing(partition)

    assert await partition.notified_users() == [*few, *crowd, *after]


async def test_a_repeated_event_notifies_once_before_and_after_a_crash(
    partition: OwnPartition,
) -> None:
    await partition.append_announcement("u-1", identifier="same")
    await partition.append_announcement("u-1", identifier="same")
    await resume_routing(partition)
    await partition.append_announcement("u-1", identifier="same")
    await partition.append_announcement("u-2", identifier="other")

    await resume_routing(partition)

    assert await partition.notified_users() == ["u-1", "u-2"]


async def test_an_invalid_event_becomes_one_dead_letter_and_the_others_notify(
    partition: OwnPartition,
) -> None:
    await partition.append_announcement("u-1")
    noise = NewMessage(
        f"events.{partition.number}.{partition.tenant}.x._.y", b'{"specversion":"1.0"}'
    )
    sequence = (await partition.appender.append(noise)).sequence
    await partition.append_announcement("u-2")
    await route_until_death(partition, after=1)

    await resume_routing(partition)

    dead_letter = await last_message(
        partition.runtime.jetstream,
        DEAD_LETTERS,
        dead_letter_subject(SERVICE, partition.number, sequence),
    )
    assert await partition.notified_users() == ["u-1", "u-2"]
    assert dead_letter and dead_letter.data == noise.data
    assert dead_letter.headers["Tidings-Reason"] == "id: Object missing required field `id`"
    assert dead_letter.headers["Tidings-Sequence"] == str(sequence)


@pytest.mark.parametrize("seed", range(3))
async def test_a_notifier_stopped_at_random_places_notifies_each_user_once(
    partition: OwnPartition, seed: int
) -> None:
    chance = random.Random(seed)
    expected_counts: Counter[tuple[str, str]] = Counter()
    for number in range(60):
        users = CROWD[: chance.choice([0, 1, 1, 2, 3, 5, 40, 1200])] or ["u"]
        for _ in range(chance.choice([1, 1, 2])):
            await partition.append_announcement(*users, identifier=f"event {number}")
        expected_counts.update((f"event {number}", user) for user in users)

    run_count = 0
    while not await _all_routed(partition):
        run_count += 1
        await _route_until(partition, chance.randint(1, 2500))

    counts = Counter(
        (notification.entity.id, notification.user)
        for notification in await partition.notifications()
        if notification.entity
    )
    assert counts == expected_counts
    assert run_count > 1


async def _route_until(partition: OwnPartition, messages: int) -> None:
    """Route until that many messages are written, or another process fences this one.

    The previous process may still be writing when this one takes over.
    """
    routing = asyncio.create_task(PartitionLeader(partition.runtime, partition.number, TEXTS).run())
    waiting = asyncio.create_task(_wait_for_messages(partition, messages))
    await asyncio.wait([routing, waiting], return_when=asyncio.FIRST_COMPLETED)
    for task in (routing, waiting):
        task.cancel()
        with suppress(asyncio.CancelledError, Fenced):
            await task


async def _all_routed(partition: OwnPartition) -> bool:
    return await partition.saved_position() == Position(
        (await partition.read_events())[-1].sequence
    )


async def _wait_for_messages(partition: OwnPartition, messages: int) -> None:
    """Wait until that many messages are added, or everything is routed and saved."""
    head_before = await _head(partition)
    async with asyncio.timeout(WAIT_SECONDS):
        while await _head(partition) < head_before + messages and not await _all_routed(partition):
            continue


async def _head(partition: OwnPartition) -> int:
    newest = await last_message(partition.runtime.jetstream, NOTIFICATIONS, ">")
    return newest.sequence if newest else 0
