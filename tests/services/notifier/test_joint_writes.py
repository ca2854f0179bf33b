"""Joint writes: partitions write together, and a stale fence refuses all of a batch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.client.appender import Appender
from tidings.contracts.messages import BATCH_LIMIT_BYTES, BATCH_LIMIT_MESSAGES, NewMessage
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.notifier.partition.position import events_partition
from tidings.runtime.errors import Fenced
from tidings.runtime.log.fenced_writer import FencedWriter, Output, Share, write_together
from tidings.runtime.log.fenced_writer import (
    _joint_batches as joint_batches,  # pyright: ignore[reportPrivateUsage]
)
from tidings.runtime.log.position import Fence, Position
from tidings.runtime.log.state import stream_state

from tests.services.notifier.partition import OwnPartition

FEW = ["u-1", "u-2", "u-3"]
MANY = [f"u-{number:03}" for number in range(20)]
LIMIT = 16


async def make_shares(
    partition: OwnPartition, users: list[str], count: int = 3
) -> tuple[list[OwnPartition], list[Share]]:
    """Return partitions, and what each writes for an event of its own."""
    partitions = [OwnPartition(partition.runtime) for _ in range(count)]
    shares: list[Share] = []
    for own in partitions:
        sequence = await own.append_announcement(*users)
        writer = own.make_writer(await own.take_over())
        shares.append(Share(writer, own.outputs(sequence, users), Position(sequence)))
    return partitions, shares


@pytest.mark.parametrize("users", [FEW, MANY], ids=["plainly", "in a batch"])
async def test_partitions_write_together_and_go_on(
    partition: OwnPartition, users: list[str]
) -> None:
    partitions, shares = await make_shares(partition, users)

    assert await write_together(shares, LIMIT) == [None] * 3
    for own, share in zip(partitions, shares, strict=True):
        await share.writer.flush()
        assert await share.writer.is_leader()
        sequence = await own.append_announcement("next")
        await share.writer.write_outputs(own.outputs(sequence, ["next"]), Position(sequence))
        assert await own.notified_users() == [*users, "next"]
        assert (await own.take_over()).position == Position(sequence)


async def test_a_stale_fence_refuses_a_lone_append_of_its_partition_alone(
    partition: OwnPartition,
) -> None:
    partitions, shares = await make_shares(partition, FEW)
    await partitions[1].take_over()

    outcomes = await write_together(shares, LIMIT)

    assert [type(outcome) for outcome in outcomes] == [type(None), Fenced, type(None)]
    assert [await own.notified_users() for own in partitions] == [FEW, [], FEW]


@pytest.mark.parametrize("stale", range(3))
async def test_a_stale_fence_refuses_a_whole_batch(partition: OwnPartition, stale: int) -> None:
    partitions, shares = await make_shares(partition, MANY)
    await partitions[stale].take_over()
    head = (await stream_state(partition.runtime.jetstream, NOTIFICATIONS)).last_sequence

    await write_together(shares, LIMIT)
    for share in shares:
        with pytest.raises(Fenced, match="one of the partitions"):
            await share.writer.flush()

    assert (await stream_state(partition.runtime.jetstream, NOTIFICATIONS)).last_sequence == head
    leading = [await share.writer.is_leader() for share in shares]
    assert leading == [number != stale for number in range(3)]
    assert [(await own.take_over()).position for own in partitions] == [Position(0)] * 3


async def test_a_batch_behind_a_refused_one_is_refused(partition: OwnPartition) -> None:
    partitions, shares = await make_shares(partition, MANY, 2)
    crowd = [f"u-{number:04}" for number in range(1500)]
    sequence = await partitions[1].append_announcement(*crowd)
    shares[1] = Share(shares[1].writer, partitions[1].outputs(sequence, crowd), Position(sequence))
    await partitions[0].take_over()

    outcomes = await write_together(shares, LIMIT)

    assert [type(outcome) for outcome in outcomes] == [type(None), Fenced]
    assert [await own.notified_users() for own in partitions] == [[], []]


def no_writer(appender: Appender, number: int) -> FencedWriter:
    partition = events_partition(number, "epoch")
    return FencedWriter(None, appender, partition, Fence(Position(0), 0))  # type: ignore[arg-type]


@given(
    st.lists(st.integers(1, 2500), min_size=1, max_size=20),
    st.sampled_from([10, BATCH_LIMIT_BYTES // 700]),
)
def test_a_joint_batch_has_room_for_its_positions(lengths: list[int], size: int) -> None:
    message = NewMessage("-", bytes(size))
    appender = Appender(None)  # type: ignore[arg-type]
    shares = [
        Share(
            no_writer(appender, number),
            [Output(message, Position(number + 1, place)) for place in range(1, length + 1)],
            Position(number + 1),
        )
        for number, length in enumerate(lengths)
    ]

    batches = list(joint_batches(shares))

    for batch in batches:
        outputs = sum(len(share.outputs) for share in batch)
        assert outputs + len(batch) <= BATCH_LIMIT_MESSAGES
        assert (outputs - 1) * size < BATCH_LIMIT_BYTES
        assert len({share.writer for share in batch}) == len(batch)
    for whole in shares:
        parts = [share for batch in batches for share in batch if share.writer is whole.writer]
        assert [output for part in parts for output in part.outputs] == whole.outputs
        *first_ones, last = parts
        assert all(part.reached == part.outputs[-1].position for part in first_ones)
        assert last.reached == whole.reached
