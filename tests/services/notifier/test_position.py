"""Taking over: whoever takes a partition over finds out exactly how far the one before came, and stops it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from tidings.contracts.subjects import NOTIFICATIONS, position
from tidings.notifier.position import SERVICE, Fence, Position, PositionMessage, draft, take_over
from tidings.notifier.writer import OUTPUTS_PER_BATCH, Writer
from tidings.runtime.errors import Fenced, LogLost
from tidings.runtime.read import last

from tests.services.notifier.partition import OwnPartition

FEW = ["u-1", "u-2", "u-3"]
MANY = [f"u-{number}" for number in range(20)]


async def led(partition: OwnPartition) -> Writer:
    """The writer of a process that took the partition over."""
    return partition.writer(await partition.taken_over())


async def test_a_new_partition_is_routed_from_the_beginning(partition: OwnPartition) -> None:
    await partition.announced("u-1")

    fence = await partition.taken_over()

    assert fence.at == Position(0)
    assert await partition.events(after=fence.at.after) == await partition.events()


@pytest.mark.parametrize("takeovers", [1, 2, 3])
@pytest.mark.parametrize("parked", [False, True], ids=["never parked", "parked before"])
async def test_what_was_written_plainly_is_found_after_a_crash(
    partition: OwnPartition, parked: bool, takeovers: int
) -> None:
    writer = await led(partition)
    first, second = await partition.announced(*FEW), await partition.announced(*FEW)
    await writer.write(partition.outputs(first, FEW), Position(first))
    if parked:
        await writer.park(Position(first))
    await writer.write(partition.outputs(second, FEW), Position(second))
    del writer

    found = [await partition.taken_over() for _ in range(takeovers)]

    assert [fence.at for fence in found] == [Position(second)] * takeovers


@pytest.mark.parametrize("takeovers", [1, 2, 3])
async def test_an_event_that_was_told_in_part_is_found_with_its_offset(
    partition: OwnPartition, takeovers: int
) -> None:
    writer = await led(partition)
    first, second = await partition.announced("u-1"), await partition.announced(*FEW)
    await writer.write(partition.outputs(first, ["u-1"]), Position(first))
    await writer.write(partition.outputs(second, FEW)[:2], Position(second, 2))

    found = [await partition.taken_over() for _ in range(takeovers)]

    assert [fence.at for fence in found] == [Position(second, 2)] * takeovers
    assert [message.sequence for message in await partition.events(after=found[-1].at.after)] == [
        second
    ]


async def test_each_life_goes_on_where_the_one_before_was_however_short_they_are(
    partition: OwnPartition,
) -> None:
    sequences = [await partition.announced("u-1") for _ in range(6)]

    for before, sequence in zip([0, *sequences], sequences, strict=False):
        fence = await partition.taken_over()
        assert fence.at == Position(before)
        await partition.writer(fence).write(
            partition.outputs(sequence, ["u-1"]), Position(sequence)
        )

    assert (await partition.taken_over()).at == Position(sequences[-1])


@pytest.mark.parametrize("users", [FEW, MANY], ids=["plainly", "in a batch"])
async def test_the_one_before_cannot_write_any_more(
    partition: OwnPartition, users: list[str]
) -> None:
    first = await led(partition)
    sequence = await partition.announced(*users)
    await partition.taken_over()

    with pytest.raises(
        Fenced, match=f"partition {partition.number} was taken over by another notifier"
    ):
        await first.write(partition.outputs(sequence, users), Position(sequence))
        await first.settled()

    with pytest.raises(Fenced):
        await first.park(Position(sequence))
    assert await partition.told() == []
    assert not await first.leads()


async def test_only_one_of_many_takes_over_at_once(partition: OwnPartition) -> None:
    outcomes = await asyncio.gather(
        *(partition.taken_over() for _ in range(5)), return_exceptions=True
    )

    won = [outcome for outcome in outcomes if isinstance(outcome, Fence)]
    assert [type(outcome) for outcome in outcomes if outcome not in won] == [Fenced] * (
        5 - len(won)
    )
    leading = [await partition.writer(fence).leads() for fence in won]
    assert leading.count(True) == 1


async def test_positions_of_other_partitions_in_the_same_stream_are_not_taken_for_ones_own(
    partition: OwnPartition,
) -> None:
    other = OwnPartition(partition.runtime)
    mine, others = await led(partition), await led(other)
    first, second = await partition.announced("u-1"), await other.announced("u-1")
    await mine.write(partition.outputs(first, ["u-1"]), Position(first))
    await others.write(other.outputs(second, ["u-1"]), Position(second))

    assert (await partition.taken_over()).at == Position(first)
    assert (await other.taken_over()).at == Position(second)


async def test_a_batch_leaves_the_position_after_it(partition: OwnPartition) -> None:
    writer = await led(partition)
    sequence = await partition.announced(*MANY)
    await writer.write(partition.outputs(sequence, MANY), Position(sequence + 5))
    await writer.settled()

    fence = await partition.taken_over()

    assert fence.at == Position(sequence + 5)
    assert await partition.users_told() == MANY


async def test_plain_messages_after_a_batch_count(partition: OwnPartition) -> None:
    writer = await led(partition)
    first, second = await partition.announced(*MANY), await partition.announced("u-1")
    await writer.write(partition.outputs(first, MANY), Position(first))
    await writer.write(partition.outputs(second, ["u-1"]), Position(second))

    assert await partition.stored() == Position(first)
    assert (await partition.taken_over()).at == Position(second)


async def test_a_place_is_parked_once_and_kept_whatever_the_age_of_the_stream(
    partition: OwnPartition,
) -> None:
    writer = await led(partition)
    subject = position(SERVICE, partition.number)

    await writer.park(Position(7))
    parked = await last(partition.runtime.jetstream, NOTIFICATIONS, subject)
    await writer.park(Position(7))
    again = await last(partition.runtime.jetstream, NOTIFICATIONS, subject)

    assert parked and again == parked
    assert parked.headers["Nats-TTL"] == "never"
    assert msgspec.json.decode(parked.data, type=PositionMessage) == PositionMessage(
        sequence=7, epoch=partition.epoch
    )


async def test_many_outputs_are_written_in_full_batches_of_one_event_after_the_other(
    partition: OwnPartition,
) -> None:
    users = [f"u-{number:04}" for number in range(2 * OUTPUTS_PER_BATCH + 1)]
    writer = await led(partition)
    sequence = await partition.announced("u")

    await writer.write(iter(partition.outputs(sequence, users)), Position(sequence))
    await writer.settled()

    assert await partition.users_told() == users
    assert await partition.stored() == Position(sequence)


async def test_a_partition_of_another_incarnation_of_the_events_is_not_taken_over(
    partition: OwnPartition,
) -> None:
    await partition.taken_over()

    with pytest.raises(
        LogLost, match=f"partition {partition.number} was routed up to 0 of another EVENTS"
    ):
        await take_over(
            partition.runtime.jetstream, partition.appender, partition.number, "another0"
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
def test_positions_are_ordered_by_what_is_done(earlier: Position, later: Position) -> None:
    assert (
        max(earlier, later, key=Position.order) == max(later, earlier, key=Position.order) == later
    )
    assert earlier.after <= later.after


def test_a_position_message_is_spelled_as_it_always_was() -> None:
    plain, takeover = (
        draft(3, Position(42), "0123abcd"),
        draft(3, Position(42, 7), "0123abcd", since=5),
    )

    assert (plain.subject, plain.data) == (
        "position.notifier.3",
        b'{"sequence":42,"epoch":"0123abcd"}',
    )
    assert takeover.data == b'{"sequence":42,"offset":7,"epoch":"0123abcd","since":5}'
