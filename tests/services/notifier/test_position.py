"""Takeovers: a notifier finds exactly how far its predecessor came, and fences it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from tidings.client.jetstream import JetStream
from tidings.contracts.positions import PositionMessage
from tidings.contracts.subjects import EVENTS, NOTIFICATIONS, position_subject
from tidings.notifier.partition.position import SERVICE, events_partition
from tidings.runtime.errors import Fenced, LogLost
from tidings.runtime.log import read as read_module
from tidings.runtime.log import takeover as takeover_module
from tidings.runtime.log.fenced_writer import OUTPUTS_PER_BATCH, FencedWriter
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.position import Fence, Position
from tidings.runtime.log.read import last_message
from tidings.runtime.log.state import stream_state
from tidings.runtime.log.takeover import Takeovers, take_over

from tests.services.notifier.partition import OwnPartition

FEW = ["u-1", "u-2", "u-3"]
MANY = [f"u-{number}" for number in range(20)]


async def make_leading_writer(partition: OwnPartition) -> FencedWriter:
    """Take the partition over, and return a writer for it."""
    return partition.make_writer(await partition.take_over())


async def test_a_new_partition_is_routed_from_the_beginning(partition: OwnPartition) -> None:
    await partition.append_announcement("u-1")

    fence = await partition.take_over()

    assert fence.position == Position(0)
    assert (
        await partition.read_events(after=fence.position.start_after)
        == await partition.read_events()
    )


@pytest.mark.parametrize("takeovers", [1, 2, 3])
@pytest.mark.parametrize(
    "position_saved", [False, True], ids=["position never saved", "position saved before"]
)
async def test_messages_outside_a_batch_are_found_after_a_crash(
    partition: OwnPartition, position_saved: bool, takeovers: int
) -> None:
    writer = await make_leading_writer(partition)
    first, second = (
        await partition.append_announcement(*FEW),
        await partition.append_announcement(*FEW),
    )
    await writer.write_outputs(partition.outputs(first, FEW), Position(first))
    if position_saved:
        await writer.save_position(Position(first))
    await writer.write_outputs(partition.outputs(second, FEW), Position(second))
    del writer

    fences = [await partition.take_over() for _ in range(takeovers)]

    assert [fence.position for fence in fences] == [Position(second)] * takeovers


@pytest.mark.parametrize("takeovers", [1, 2, 3])
async def test_a_partly_written_event_is_found_with_its_offset(
    partition: OwnPartition, takeovers: int
) -> None:
    writer = await make_leading_writer(partition)
    first, second = (
        await partition.append_announcement("u-1"),
        await partition.append_announcement(*FEW),
    )
    await writer.write_outputs(partition.outputs(first, ["u-1"]), Position(first))
    await writer.write_outputs(partition.outputs(second, FEW)[:2], Position(second, 2))

    fences = [await partition.take_over() for _ in range(takeovers)]

    assert [fence.position for fence in fences] == [Position(second, 2)] * takeovers
    assert [
        message.sequence
        for message in await partition.read_events(after=fences[-1].position.start_after)
    ] == [second]


@pytest.mark.parametrize("missing_messages", [1, 2, 5])
async def test_a_takeover_misses_nothing_that_a_lagging_replica_lacks(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch, missing_messages: int
) -> None:
    writer = await make_leading_writer(partition)
    sequences = [await partition.append_announcement("u-1") for _ in range(4)]
    for sequence in sequences:
        await writer.write_outputs(partition.outputs(sequence, ["u-1"]), Position(sequence))
    head = (await stream_state(partition.runtime.jetstream, NOTIFICATIONS)).last_sequence
    read_page = read_module._read_page

    async def read_lagging_page(
        jetstream: JetStream, stream: str, request: dict[str, Any]
    ) -> list[StreamMessage]:
        page = await read_page(jetstream, stream, request)
        return [each for each in page if each.sequence <= head - missing_messages]

    monkeypatch.setattr(read_module, "_read_page", read_lagging_page)

    assert (await partition.take_over()).position == Position(sequences[-1])


async def test_a_takeover_misses_nothing_that_a_leader_of_the_events_does_not_know_yet(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leader that was suspended answers for a moment as if nothing had been stored since."""
    writer = await make_leading_writer(partition)
    sequence = await partition.append_announcement("u-1")
    await writer.write_outputs(partition.outputs(sequence, ["u-1"]), Position(sequence))

    async def read_stale(jetstream: JetStream, stream: str, subject: str) -> StreamMessage | None:
        return None if stream == EVENTS else await last_message(jetstream, stream, subject)

    monkeypatch.setattr(takeover_module, "last_message", read_stale)

    assert (await partition.take_over(applied=sequence)).position == Position(sequence)


async def test_16_partitions_are_taken_over_in_one_go(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    partitions = [OwnPartition(partition.runtime) for _ in range(16)]
    expected: list[Position] = []
    for number, own in enumerate(partitions):
        writer = await make_leading_writer(own)
        for _ in range(number % 4):
            sequence = await own.append_announcement(*FEW)
            await writer.write_outputs(own.outputs(sequence, FEW)[:2], Position(sequence, 2))
        expected.append(Position(sequence, 2) if number % 4 else Position(0))
    monkeypatch.setattr(takeover_module, "GATHER_SECONDS", 1.0)
    readings, find = list[int](), takeover_module._find_positions

    async def counted(jetstream: JetStream, claims: list[Any]) -> None:
        readings.append(len(claims))
        await find(jetstream, claims)

    monkeypatch.setattr(takeover_module, "_find_positions", counted)
    takeovers = Takeovers(partition.runtime.jetstream, partition.appender)
    fences = await asyncio.gather(
        *(takeovers.take_over(events_partition(own.number, own.epoch)) for own in partitions)
    )

    assert [fence.position for fence in fences] == expected
    assert readings == [12]
    for own, fence in zip(partitions, fences, strict=True):
        assert await own.make_writer(fence).is_leader()


async def test_each_process_resumes_where_its_predecessor_stopped(
    partition: OwnPartition,
) -> None:
    sequences = [await partition.append_announcement("u-1") for _ in range(6)]

    for before, sequence in zip([0, *sequences], sequences, strict=False):
        fence = await partition.take_over()
        assert fence.position == Position(before)
        await partition.make_writer(fence).write_outputs(
            partition.outputs(sequence, ["u-1"]), Position(sequence)
        )

    assert (await partition.take_over()).position == Position(sequences[-1])


@pytest.mark.parametrize("users", [FEW, MANY], ids=["plainly", "in a batch"])
async def test_a_fenced_writer_cannot_write(partition: OwnPartition, users: list[str]) -> None:
    first = await make_leading_writer(partition)
    sequence = await partition.append_announcement(*users)
    await partition.take_over()

    with pytest.raises(
        Fenced, match=f"partition {partition.number} was taken over by another notifier"
    ):
        await first.write_outputs(partition.outputs(sequence, users), Position(sequence))
        await first.flush()

    with pytest.raises(Fenced):
        await first.save_position(Position(sequence))
    assert await partition.notifications() == []
    assert not await first.is_leader()


async def test_one_of_many_simultaneous_takeovers_leads(partition: OwnPartition) -> None:
    outcomes = await asyncio.gather(
        *(partition.take_over() for _ in range(5)), return_exceptions=True
    )

    fences = [outcome for outcome in outcomes if isinstance(outcome, Fence)]
    assert [type(outcome) for outcome in outcomes if outcome not in fences] == [Fenced] * (
        5 - len(fences)
    )
    leading = [await partition.make_writer(fence).is_leader() for fence in fences]
    assert leading.count(True) == 1


async def test_positions_of_other_partitions_in_the_stream_are_ignored(
    partition: OwnPartition,
) -> None:
    other_partition = OwnPartition(partition.runtime)
    own_writer, other_writer = (
        await make_leading_writer(partition),
        await make_leading_writer(other_partition),
    )
    first, second = (
        await partition.append_announcement("u-1"),
        await other_partition.append_announcement("u-1"),
    )
    await own_writer.write_outputs(partition.outputs(first, ["u-1"]), Position(first))
    await other_writer.write_outputs(other_partition.outputs(second, ["u-1"]), Position(second))

    assert (await partition.take_over()).position == Position(first)
    assert (await other_partition.take_over()).position == Position(second)


async def test_a_batch_ends_with_its_position(partition: OwnPartition) -> None:
    writer = await make_leading_writer(partition)
    sequence = await partition.append_announcement(*MANY)
    await writer.write_outputs(partition.outputs(sequence, MANY), Position(sequence + 5))
    await writer.flush()

    fence = await partition.take_over()

    assert fence.position == Position(sequence + 5)
    assert await partition.notified_users() == MANY


async def test_messages_outside_a_batch_count_after_a_batch(partition: OwnPartition) -> None:
    writer = await make_leading_writer(partition)
    first, second = (
        await partition.append_announcement(*MANY),
        await partition.append_announcement("u-1"),
    )
    await writer.write_outputs(partition.outputs(first, MANY), Position(first))
    await writer.write_outputs(partition.outputs(second, ["u-1"]), Position(second))

    assert await partition.saved_position() == Position(first)
    assert (await partition.take_over()).position == Position(second)


async def test_a_position_is_saved_once_and_never_expires(
    partition: OwnPartition,
) -> None:
    writer = await make_leading_writer(partition)
    subject = position_subject(SERVICE, partition.number)

    await writer.save_position(Position(7))
    saved = await last_message(partition.runtime.jetstream, NOTIFICATIONS, subject)
    await writer.save_position(Position(7))
    saved_again = await last_message(partition.runtime.jetstream, NOTIFICATIONS, subject)

    assert saved and saved_again == saved
    assert saved.headers["Nats-TTL"] == "never"
    assert msgspec.json.decode(saved.data, type=PositionMessage) == PositionMessage(
        sequence=7, epoch=partition.epoch
    )


async def test_many_outputs_are_written_in_full_batches(
    partition: OwnPartition,
) -> None:
    users = [f"u-{number:04}" for number in range(2 * OUTPUTS_PER_BATCH + 1)]
    writer = await make_leading_writer(partition)
    sequence = await partition.append_announcement("u")

    await writer.write_outputs(iter(partition.outputs(sequence, users)), Position(sequence))
    await writer.flush()

    assert await partition.notified_users() == users
    assert await partition.saved_position() == Position(sequence)


async def test_a_partition_of_another_incarnation_of_the_events_is_not_taken_over(
    partition: OwnPartition,
) -> None:
    await partition.take_over()

    with pytest.raises(
        LogLost, match=f"partition {partition.number} was routed up to 0 of another EVENTS"
    ):
        await take_over(
            partition.runtime.jetstream,
            partition.appender,
            events_partition(partition.number, "another0"),
        )


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (Position(0), Position(1, 1)),
        (Position(1, 1), Position(1, 2)),
        (Position(1, 999), Position(1)),
        (Position(1), Position(2, 1)),
        (Position(9), Position(10, 1)),
    ],
)
def test_positions_are_ordered_by_progress(earlier: Position, later: Position) -> None:
    assert (
        max(earlier, later, key=Position.sort_key)
        == max(later, earlier, key=Position.sort_key)
        == later
    )
    assert earlier.start_after <= later.start_after


def test_the_format_of_a_position_message_is_unchanged() -> None:
    partition = events_partition(3, "0123abcd")
    plain = partition.position_message(Position(42))
    takeover = partition.position_message(Position(42, 7), since=5)

    assert (plain.subject, plain.data) == (
        "position.notifier.3",
        b'{"sequence":42,"epoch":"0123abcd"}',
    )
    assert takeover.data == b'{"sequence":42,"offset":7,"epoch":"0123abcd","since":5}'
