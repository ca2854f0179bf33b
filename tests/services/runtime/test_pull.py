"""Pulls: no follower requests more bytes than its connection may leave unread."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from tidings.client.jetstream import JetStream, connect
from tidings.contracts.messages import NewMessage
from tidings.runtime.log import pull
from tidings.runtime.log.follow import follow
from tidings.runtime.log.pull import OutstandingPulls, pull_bytes
from tidings.runtime.process import Runtime

from tests.own_stream import OwnStream

LARGE_BYTES = 120_000
LARGE_MESSAGES = 750
"""Together more than the `max_pending` of nats-server, 64 MiB."""
UNREAD_SECONDS = 0.5


@pytest.fixture
async def reader(runtime: Runtime) -> AsyncIterator[JetStream]:
    async with connect(runtime.settings.nats, "tests-pull") as connection:
        yield connection


async def append_sizes(runtime: Runtime, stream: OwnStream, sizes: list[int]) -> None:
    subject = stream.subject("x")
    for first in range(0, len(sizes), 50):
        await runtime.appender().append_batch(
            [NewMessage(subject, b"x" * size) for size in sizes[first : first + 50]]
        )


async def follow_sizes(
    reader: JetStream, stream: OwnStream, count: int, limit: int, *, stall_seconds: float = 0
) -> list[int]:
    """Follow `count` messages and return their sizes; stall the reader after the first batch."""
    sizes: list[int] = []
    batches = follow(
        reader, stream.name, (stream.subject(">"),), after=0, epoch=stream.epoch, limit=limit
    )
    async with aclosing(batches), asyncio.timeout(60):
        async for batch in batches:
            if not sizes:
                time.sleep(stall_seconds)  # noqa: ASYNC251  nothing is read meanwhile
            sizes += [len(message.data) for message in batch]
            if len(sizes) >= count:
                return sizes
    return sizes


async def test_a_follower_of_large_messages_that_stalls_keeps_its_connection(
    runtime: Runtime, stream: OwnStream, reader: JetStream
) -> None:
    await append_sizes(runtime, stream, [LARGE_BYTES] * LARGE_MESSAGES)
    changed = reader.connection_changed

    sizes = await follow_sizes(
        reader, stream, LARGE_MESSAGES, limit=2000, stall_seconds=UNREAD_SECONDS
    )

    assert sizes == [LARGE_BYTES] * LARGE_MESSAGES
    assert not changed.is_set()


async def test_a_message_larger_than_a_pull_is_followed(
    runtime: Runtime, stream: OwnStream, reader: JetStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "PULL_LIMIT_BYTES", 10_000)
    sent = [100, 20_000, 9_000, 9_000, 30_000, 30_000, 100]
    await append_sizes(runtime, stream, sent)

    assert await follow_sizes(reader, stream, len(sent), limit=10) == sent


async def test_a_pull_that_its_messages_fill_to_the_last_byte_does_not_stop_the_follower(
    runtime: Runtime,
    stream: OwnStream,
    reader: JetStream,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(pull, "PULL_LIMIT_BYTES", 2_000)
    counted = count_sizes(monkeypatch)
    caplog.set_level("INFO", "tidings.follow")
    # The server counts subject and reply too, 150 to 200 bytes: at some size, two are 2000.
    sent = [size for size in range(780, 870) for _ in range(4)]
    await append_sizes(runtime, stream, sent)

    assert await follow_sizes(reader, stream, len(sent), limit=10) == sent

    assert counted[1_000] >= 2
    assert caplog.messages == []  # a follower that stops is told by its silence and begins again


def count_sizes(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Return the sizes of the messages delivered from now on, as they count against pulls."""
    counted, record_delivery = Counter[int](), OutstandingPulls.record_delivery

    def record(outstanding: OutstandingPulls, size: int) -> None:
        counted[size] += 1
        record_delivery(outstanding, size)

    monkeypatch.setattr(OutstandingPulls, "record_delivery", record)
    return counted


def test_the_pulls_of_all_followers_of_a_connection_have_one_budget() -> None:
    for followers in (1, 5, 17, 257):
        requested = followers * pull.PULLS_PER_FOLLOWER * pull_bytes(followers)

        assert requested <= pull.CONNECTION_LIMIT_BYTES


def test_a_pull_that_ends_exactly_leaves_nothing_outstanding() -> None:
    outstanding = OutstandingPulls()
    outstanding.next_pull(10, 300)

    for _ in range(3):
        outstanding.record_delivery(100)

    assert (outstanding.messages, outstanding.bytes) == (0, 0)


def test_the_end_of_a_pull_gives_back_what_it_still_wanted() -> None:
    outstanding = OutstandingPulls()
    first, second = outstanding.next_pull(10, 300), outstanding.next_pull(10, 300)
    outstanding.record_delivery(100)

    left = {"Nats-Pending-Messages": "9", "Nats-Pending-Bytes": "200"}
    outstanding.record_end(first.token, left, is_refusal=True)
    outstanding.record_end(first.token, left, is_refusal=True)

    assert (outstanding.messages, outstanding.bytes) == (10, 300)
    outstanding.record_end(second.token, {}, is_refusal=False)
    assert (outstanding.messages, outstanding.bytes) == (0, 0)
