"""The routing loop: partitions are routed together, and none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
from tidings.domains.volunteers.events import TaskAssigned
from tidings.notifier.audience.audience_model import AudienceModel
from tidings.notifier.partition import event_feed, routing_loop
from tidings.notifier.partition.event_feed import EventFeed
from tidings.notifier.partition.leader import PartitionLeader
from tidings.notifier.partition.round_writer import RoundWriter
from tidings.runtime.log.fenced_writer import FencedWriter, Output
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.position import Position

from tests.services.notifier.partition import OwnPartition
from tests.services.notifier.process import NotifierProcess
from tests.waiting import wait_until

CROWD = [f"u-{number:04}" for number in range(1200)]


@pytest.fixture(autouse=True)
def _whole_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a loop begin with the log, which other tests write to as well: no partition is behind."""
    monkeypatch.setattr(routing_loop, "START_BACK_EVENTS", 1_000_000)


async def new_partitions(partition: OwnPartition, count: int) -> list[OwnPartition]:
    """Return partitions that were taken over before."""
    return [await partition.new_partition() for _ in range(count)]


async def is_saved(partition: OwnPartition, sequence: int) -> bool:
    return await partition.saved_position() == Position(sequence)


async def is_notified(partition: OwnPartition, user: str) -> bool:
    return user in await partition.notified_users()


async def have_joined(process: NotifierProcess, partitions: Iterable[OwnPartition]) -> bool:
    members = process.loop._members  # pyright: ignore[reportPrivateUsage]
    return all(partition.number in members for partition in partitions)


async def has_left(process: NotifierProcess, partition: OwnPartition) -> bool:
    return not await have_joined(process, [partition])


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Hold back what a partition writes by itself until this is set."""
    gate, write = asyncio.Event(), FencedWriter.write_outputs

    async def wait_at_gate(
        writer: FencedWriter, outputs: Iterable[Output], reached: Position
    ) -> None:
        await gate.wait()
        await write(writer, outputs, reached)

    monkeypatch.setattr(FencedWriter, "write_outputs", wait_at_gate)
    return gate


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the number of partitions of each round that is written."""
    rounds: list[int] = []
    begin = RoundWriter.begin

    async def counted(writer: RoundWriter, writes: list[Any]) -> None:
        rounds.append(len(writes))
        await begin(writer, writes)

    monkeypatch.setattr(RoundWriter, "begin", counted)
    return rounds


@pytest.fixture
def follows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the partitions that follow their events by themselves, one for each time."""
    follows: list[int] = []
    follow = PartitionLeader._follow  # pyright: ignore[reportPrivateUsage]

    async def counted(leader: PartitionLeader, *given: Any) -> int:
        follows.append(leader.number)
        return await follow(leader, *given)

    monkeypatch.setattr(PartitionLeader, "_follow", counted)
    return follows


async def test_partitions_are_routed_together_each_in_order(
    partition: OwnPartition, rounds: list[int], follows: list[int]
) -> None:
    partitions = await new_partitions(partition, 4)
    last: dict[OwnPartition, int] = {}
    for own in partitions:
        last[own] = await own.append_announcement("before")
    async with NotifierProcess(partitions).running() as process:
        await wait_until(partial(have_joined, process, partitions))
        follows.clear()
        for number in range(30):
            sequences = await asyncio.gather(
                *(own.append_announcement(f"u-{number}") for own in partitions)
            )
            last = dict(zip(partitions, sequences, strict=True))
        for own in partitions:
            await wait_until(partial(is_saved, own, last[own]))

    for own in partitions:
        assert await own.notified_users() == ["before", *(f"u-{number}" for number in range(30))]
    assert max(rounds) > 1
    assert not follows


async def test_a_partition_with_very_many_outputs_does_not_delay_the_others(
    partition: OwnPartition, gate: asyncio.Event
) -> None:
    crowded, other = await new_partitions(partition, 2)
    async with NotifierProcess([crowded, other]).running() as process:
        await wait_until(partial(have_joined, process, [crowded, other]))
        await crowded.append_announcement(*CROWD)
        await crowded.append_announcement("after")
        for number in range(3):
            await other.append_announcement(f"u-{number}")
            await wait_until(partial(is_notified, other, f"u-{number}"))
        assert not await have_joined(process, [crowded])
        assert not await crowded.notified_users()

        gate.set()
        await wait_until(partial(is_notified, crowded, "after"))
        await wait_until(partial(have_joined, process, [crowded, other]))
        last = await crowded.append_announcement("last")
        await wait_until(partial(is_saved, crowded, last))

    assert await crowded.notified_users() == [*CROWD, "after", "last"]


async def test_few_outputs_do_not_wait_for_those_of_other_partitions(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, other = await new_partitions(partition, 2)
    gate, append = asyncio.Event(), FencedWriter.append_singly

    async def wait_at_gate(writer: FencedWriter, outputs: Iterable[Output]) -> None:
        if writer.partition.number == held.number:
            await gate.wait()
        await append(writer, outputs)

    monkeypatch.setattr(FencedWriter, "append_singly", wait_at_gate)
    async with NotifierProcess([held, other]).running() as process:
        await wait_until(partial(have_joined, process, [held, other]))
        await asyncio.gather(
            held.append_announcement("held"), other.append_announcement("together")
        )
        for number in range(3):
            await other.append_announcement(f"u-{number}")
            await wait_until(partial(is_notified, other, f"u-{number}"))
        last = await held.append_announcement("after")
        assert await have_joined(process, [held, other])
        assert not await held.notified_users()

        gate.set()
        await wait_until(partial(is_saved, held, last))

    assert await held.notified_users() == ["held", "after"]


async def test_a_partition_that_waits_for_postgres_does_not_delay_the_others(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other = await new_partitions(partition, 2)
    gate, apply = asyncio.Event(), AudienceModel._apply_in_postgres  # pyright: ignore

    async def wait_at_gate(model: AudienceModel, *given: Any) -> Any:
        if model._unsaved.partition == slow.number:  # pyright: ignore[reportPrivateUsage]
            await gate.wait()
        return await apply(model, *given)

    monkeypatch.setattr(AudienceModel, "_apply_in_postgres", wait_at_gate)
    async with NotifierProcess([slow, other]).running() as process:
        await wait_until(partial(have_joined, process, [slow, other]))
        await slow.append_event(TaskAssigned(task_id="1", task_title="-", user_id="first"))
        await slow.append_announcement("second")
        await other.append_announcement("u")
        await wait_until(partial(is_notified, other, "u"))
        assert not await slow.notified_users()

        gate.set()
        await wait_until(partial(is_notified, slow, "second"))
        await wait_until(partial(have_joined, process, [slow, other]))

    assert await slow.notified_users() == ["first", "second"]


async def test_a_partition_that_missed_events_catches_up_by_itself_before_it_comes_back(
    partition: OwnPartition,
    gate: asyncio.Event,
    follows: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_feed, "KEPT_LIMIT_MESSAGES", 3)
    crowded, other = await new_partitions(partition, 2)
    users = [f"after-{number}" for number in range(20)]
    async with NotifierProcess([crowded, other]).running() as process:
        await wait_until(partial(have_joined, process, [crowded, other]))
        follows.clear()
        await crowded.append_announcement(*CROWD)
        await wait_until(partial(has_left, process, crowded))
        for user in users:
            await crowded.append_announcement(user)
        await other.append_announcement("u")
        await wait_until(partial(is_notified, other, "u"))
        gate.set()
        await wait_until(partial(is_notified, crowded, users[-1]))
        await wait_until(partial(have_joined, process, [crowded, other]))
        last = await crowded.append_announcement("last")
        await wait_until(partial(is_saved, crowded, last))

    assert follows == [crowded.number]
    assert await crowded.notified_users() == [*CROWD, *users, "last"]


async def test_a_partition_far_behind_joins_with_its_next_event(
    partition: OwnPartition, follows: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing_loop, "START_BACK_EVENTS", 0)
    behind, other = await new_partitions(partition, 2)
    await behind.append_announcement("old")
    await other.append_announcement("u-0")
    async with NotifierProcess([behind, other]).running() as process:
        await wait_until(partial(is_notified, behind, "old"))
        await behind.append_announcement("new")
        await wait_until(partial(is_notified, behind, "new"))
        await wait_until(partial(have_joined, process, [behind]))
        last = await behind.append_announcement("newer")
        await wait_until(partial(is_saved, behind, last))

    assert behind.number in follows
    assert await behind.notified_users() == ["old", "new", "newer"]


async def test_events_of_a_partition_that_another_process_leads_are_dropped(
    partition: OwnPartition,
) -> None:
    own, foreign = await new_partitions(partition, 2)
    process = NotifierProcess([own, foreign])
    async with process.running():
        await wait_until(partial(have_joined, process, [own, foreign]))
        await foreign.take_over()
        await foreign.append_announcement("refused")
        last = await own.append_announcement("u")
        await wait_until(partial(is_saved, own, last))
        await foreign.append_announcement("dropped")
        last = await own.append_announcement("v")
        await wait_until(partial(is_saved, own, last))
        assert not process.loop.kept_events(foreign.number)

    assert await own.notified_users() == ["u", "v"]
    assert not await foreign.notified_users()


async def test_kept_events_are_bounded(partition: OwnPartition) -> None:
    feed = EventFeed()
    feed.is_led = True
    for sequence in range(1, 6):
        feed.add(StreamMessage("-", bytes(1024 * 1024), b"", sequence, 1), is_bounded=True)

    assert [message.sequence for message in feed.kept] == [2, 3, 4, 5]
    assert feed.passed == 1
