"""A cluster of three NATS servers: streams of three replicas keep their promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from tidings.client.appender import Appender, ExpectedSequence
from tidings.client.jetstream import connect
from tidings.client.retries import APPEND_SECONDS
from tidings.contracts.http_bodies.results import AppendResult
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import EVENTS, NOTIFICATIONS
from tidings.notifier.partition.position import events_partition
from tidings.runtime.errors import RequestRefused, Unavailable, WrongSequence
from tidings.runtime.log.fenced_writer import FencedWriter, Output
from tidings.runtime.log.position import Position
from tidings.runtime.log.read import last_message, read
from tidings.runtime.log.state import stream_state
from tidings.runtime.log.takeover import take_over

from tests.nats_cluster import Cluster, run_cluster
from tests.streams import read_all
from tests.waiting import wait_until

PARTITION = 1
TEST_SECONDS = 25
LAGGING_ROUNDS = 3
OUTPUTS_PER_ROUND = 60
BATCHES_AT_ONCE = 12
BATCH_MESSAGES = 40


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Start three servers, and create the streams of an installation with three replicas."""
    async with run_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def make_events(*names: str) -> list[NewMessage]:
    """Return messages of `EVENTS` whose bodies and ids begin with these names."""
    return [
        NewMessage(f"events.{PARTITION}.t.task.{name}.assigned", name.encode(), id=name)
        for name in names
    ]


def unique_names(count: int) -> list[str]:
    token = uuid4().hex[:8]
    return [f"{token}-{number}" for number in range(count)]


async def stored_bodies(cluster: Cluster, names: Sequence[str]) -> list[str]:
    """Return the bodies with these names in the order of the log."""
    messages = await read_all(cluster.jetstream, EVENTS, "events.>")
    return [body for message in messages if (body := message.data.decode()) in names]


async def check_healthy(cluster: Cluster) -> None:
    """Fail unless `EVENTS` has a leader, takes an append, and no server reports a fault."""
    assert await cluster.leader(EVENTS)
    (event,) = make_events(*unique_names(1))
    assert not (await Appender(cluster.jetstream).append(event)).duplicate
    assert await cluster.leader(EVENTS)
    assert not [server.node for server in cluster.servers if "critical" in server.log]


@pytest.mark.parametrize(
    ("before", "batch"),
    [
        ([0], [0, 1]),
        ([0], [1, 0]),
        ([1, 3], [0, 1, 2, 3, 4]),
        ([0, 1], [0, 1]),
        ([0], [0, 0, 1, 1, 2]),
        ([1], [0, 1, *range(2, 300)]),
    ],
    ids=["first", "last", "between", "all", "twice in the batch", "one of many"],
)
async def test_a_batch_with_stored_events_leaves_the_log_a_leader(
    cluster: Cluster, before: list[int], batch: list[int]
) -> None:
    names = unique_names(max(batch) + 1)
    appender = Appender(cluster.jetstream)
    async with asyncio.timeout(TEST_SECONDS):
        stored = [
            await appender.append(event) for event in make_events(*(names[i] for i in before))
        ]
        results = await appender.append_batch(make_events(*(names[i] for i in batch)))

        new = [i for i in dict.fromkeys(batch) if i not in before]
        assert await stored_bodies(cluster, names) == [names[i] for i in (*before, *new)]
        sequences = {i: result.sequence for i, result in zip(before, stored, strict=True)}
        for i, result in zip(batch, results, strict=True):
            assert result == AppendResult(sequences.get(i, result.sequence), i in sequences)
            sequences[i] = result.sequence
        assert [*sequences.values()] == sorted(set(sequences.values()))
        await check_healthy(cluster)


async def test_every_expectation_is_refused_before_the_replicas(cluster: Cluster) -> None:
    appender = Appender(cluster.jetstream)
    known, new = make_events(*unique_names(2))
    async with asyncio.timeout(TEST_SECONDS):
        sequence = (await appender.append(known)).sequence

        for wrong in (ExpectedSequence(new.subject, 7), ExpectedSequence(known.subject, 0)):
            with pytest.raises(WrongSequence):
                await appender.append_expecting(new, wrong)
        for expected in (ExpectedSequence(known.subject, 0), ExpectedSequence(new.subject, 7)):
            assert await appender.append_expecting(known, expected) == sequence
        await check_healthy(cluster)


async def test_a_takeover_beside_a_lagging_replica_finds_the_latest_position(
    cluster: Cluster,
) -> None:
    """The takeover reads through a replica that was stopped while its predecessor wrote."""
    async with asyncio.timeout(TEST_SECONDS), AsyncExitStack() as stack:
        lagging = await cluster.follower(NOTIFICATIONS)
        others = ",".join(each.url for each in cluster.servers if each is not lagging)
        ahead = await stack.enter_async_context(connect(others, "tests-ahead"))
        behind = await stack.enter_async_context(connect(lagging.url, "tests-behind"))
        appender, epoch = Appender(ahead), cluster.epochs[EVENTS]
        for _ in range(LAGGING_ROUNDS):
            own = events_partition(PARTITION, epoch)
            fence = await take_over(ahead, appender, own)
            writer = FencedWriter(ahead, appender, own, fence)
            lagging.suspend()
            try:
                (event,) = make_events(*unique_names(1))
                last = (await appender.append(event)).sequence
                for offset in range(1, OUTPUTS_PER_ROUND):
                    output = NewMessage("inbox.t.u", b"{}")
                    at = Position(last, offset)
                    await writer.write_outputs([Output(output, at)], at)
            finally:
                lagging.resume()

            taken = await take_over(behind, appender, own)

            assert taken.position == Position(last, OUTPUTS_PER_ROUND - 1)


async def test_pages_that_the_leader_ends_have_every_acknowledged_message(
    cluster: Cluster,
) -> None:
    async with asyncio.timeout(TEST_SECONDS), AsyncExitStack() as stack:
        lagging = await cluster.follower(EVENTS)
        behind = await stack.enter_async_context(connect(lagging.url, "tests-behind"))
        appender = Appender(cluster.jetstream)
        for event in make_events(*unique_names(200)):
            sequence = (await appender.append(event)).sequence
            page: list[Any] = await read(
                behind, EVENTS, "events.>", after=sequence - 1, leader_ends=True
            )
            assert [message.sequence for message in page] == [sequence]


async def test_batches_that_meet_at_all_servers_are_stored_once_each(cluster: Cluster) -> None:
    """Producers send the same events at the same time, in batches that differ and overlap."""
    names = unique_names(BATCHES_AT_ONCE * BATCH_MESSAGES)
    async with asyncio.timeout(TEST_SECONDS), AsyncExitStack() as stack:
        appenders = [
            Appender(await stack.enter_async_context(connect(server.url, "tests-many")))
            for server in cluster.servers
        ]
        batches = [
            names[first : first + BATCH_MESSAGES + overlap]
            for first in range(0, len(names), BATCH_MESSAGES)
            for overlap in (0, 5, 10)
        ]

        results = await asyncio.gather(
            *(
                appenders[number % len(appenders)].append_batch(make_events(*batch))
                for number, batch in enumerate(batches)
            ),
            *(appenders[0].append(event) for event in make_events(*names[::7])),
        )

        stored = await stored_bodies(cluster, names)
        assert sorted(stored) == sorted(names)
        sequences: dict[str, set[int]] = {name: set() for name in names}
        for batch, found in zip(batches, results, strict=False):
            assert isinstance(found, list)
            for name, result in zip(batch, found, strict=True):
                sequences[name].add(result.sequence)
        assert sorted(names, key=lambda name: min(sequences[name])) == stored
        assert {len(each) for each in sequences.values()} == {1}
        await check_healthy(cluster)


async def test_without_a_majority_every_request_is_unavailable(cluster: Cluster) -> None:
    async with asyncio.timeout(2 * TEST_SECONDS), AsyncExitStack() as stack:
        alive, *stopped = cluster.servers
        jetstream = await stack.enter_async_context(connect(alive.url, "tests-alone"))
        appender = Appender(jetstream)
        one, *many = make_events(*unique_names(20))
        for server in stopped:
            server.suspend()
        began_at = asyncio.get_running_loop().time()
        try:
            outcomes = await asyncio.gather(
                appender.append(one),
                appender.append_batch(many),
                appender.append_expecting(one, ExpectedSequence(one.subject, 0)),
                *(appender.append(event) for event in many),
                last_message(jetstream, EVENTS, "events.>"),
                stream_state(jetstream, EVENTS),
                return_exceptions=True,
            )
            seconds = asyncio.get_running_loop().time() - began_at
        finally:
            for server in stopped:
                server.resume()

        assert [each for each in outcomes[:-2] if not isinstance(each, Unavailable)] == []
        assert [each for each in outcomes if type(each) is RequestRefused] == []
        assert seconds < APPEND_SECONDS + 2
        await wait_until(lambda: is_appended(appender, one))
        await appender.append_batch(many)
        assert len(await stored_bodies(cluster, [event.data.decode() for event in many])) == 19


async def is_appended(appender: Appender, event: NewMessage) -> bool:
    try:
        await appender.append(event)
    except Unavailable:
        return False
    return True
