"""Followers that gather, and those that drop messages which they do not ask for."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from tidings.client.jetstream import JetStream
from tidings.runtime.log import consumer as consumer_module
from tidings.runtime.log.consumer import split_subjects
from tidings.runtime.log.follow import Pulls
from tidings.runtime.metrics.follower_lag import FollowPosition
from tidings.runtime.process import Runtime

from tests.own_stream import OwnStream, append_bodies, decode_bodies
from tests.services.runtime.test_follow import (
    IDLE_SECONDS,
    WAIT_SECONDS,
    follow_stream,
    list_consumers,
    number_names,
    take_messages,
)

AT_ONCE_SECONDS = 0.1


async def test_what_is_appended_while_the_reader_pauses_comes_in_one_batch(
    runtime: Runtime, stream: OwnStream
) -> None:
    batches = follow_stream(runtime.jetstream, stream, limit=500, pulls=Pulls.GATHERING)
    async with aclosing(batches):
        await append_bodies(runtime.appender(), stream, "first")
        assert decode_bodies(await take_messages(batches, 1)) == ["first"]
        for number in range(200):
            await append_bodies(runtime.appender(), stream, str(number))

        assert len(await anext(batches)) == 200


async def test_a_lone_message_reaches_a_follower_that_gathers_at_once(
    runtime: Runtime, stream: OwnStream
) -> None:
    loop = asyncio.get_running_loop()
    batches = follow_stream(runtime.jetstream, stream, pulls=Pulls.GATHERING)
    async with aclosing(batches):
        await anext(batches)
        waits: list[float] = []
        for number in range(5):
            receiving = asyncio.ensure_future(take_messages(batches, 1))
            await asyncio.sleep(2 * IDLE_SECONDS)
            await append_bodies(runtime.appender(), stream, str(number))
            appended_at = loop.time()
            await receiving
            waits.append(loop.time() - appended_at)

    assert min(waits) < AT_ONCE_SECONDS


async def test_a_reader_that_pauses_for_longer_than_the_silence_limit_keeps_its_consumer(
    runtime: Runtime, stream: OwnStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "SILENCE_LIMIT_SECONDS", 4 * IDLE_SECONDS)
    batches = follow_stream(runtime.jetstream, stream, pulls=Pulls.GATHERING)
    async with aclosing(batches):
        await append_bodies(runtime.appender(), stream, "before")
        await take_messages(batches, 1)
        before = await list_consumers(runtime, stream)
        await asyncio.sleep(8 * IDLE_SECONDS)
        await append_bodies(runtime.appender(), stream, "after")

        assert decode_bodies(await take_messages(batches, 1)) == ["after"]
        assert await list_consumers(runtime, stream) == before


@pytest.mark.parametrize("pulls", Pulls)
async def test_of_several_subjects_the_reader_drops_the_rest_without_a_filter(
    runtime: Runtime, stream: OwnStream, pulls: Pulls
) -> None:
    appender, position = runtime.appender(), FollowPosition()
    for number in range(0, 600, 3):
        await append_bodies(appender, stream, str(number), subject="mine.x")
        await append_bodies(appender, stream, str(number + 1), subject="others.x")
        await append_bodies(appender, stream, str(number + 2), subject="ours.x")
    batches = follow_stream(
        runtime.jetstream,
        stream,
        subject="mine.>",
        more_subjects=("ours.>",),
        limit=20,
        position=position,
        pulls=pulls,
    )
    async with aclosing(batches):
        messages = await take_messages(batches, 400)
        answer = await runtime.jetstream.call_api(f"CONSUMER.LIST.{stream.name}")

    assert decode_bodies(messages) == [str(number) for number in range(600) if number % 3 != 1]
    assert not answer["consumers"][0]["config"].get("filter_subjects")


@pytest.mark.parametrize("pulls", Pulls)
async def test_dropped_messages_are_handled_and_not_read_again(
    runtime: Runtime, stream: OwnStream, connection: JetStream, pulls: Pulls
) -> None:
    position = FollowPosition()
    batches = follow_stream(
        connection,
        stream,
        subject="mine.>",
        more_subjects=("ours.>",),
        limit=20,
        position=position,
        pulls=pulls,
    )
    async with asyncio.timeout(WAIT_SECONDS), aclosing(batches):
        await append_bodies(runtime.appender(), stream, "first", subject="mine.x")
        await take_messages(batches, 1)
        names = number_names(1, 900)
        last = (await append_bodies(runtime.appender(), stream, *names, subject="other.x"))[-1]

        while position.reached < last:
            assert await anext(batches) == []
        assert (position.message_count, position.oldest_nanoseconds) == (0, 0)

        (lost,) = await list_consumers(runtime, stream)
        await runtime.jetstream.call_api(f"CONSUMER.DELETE.{stream.name}.{lost}")
        while not (names := await list_consumers(runtime, stream)) or lost in names:
            await anext(batches)
        info = await runtime.jetstream.call_api(f"CONSUMER.INFO.{stream.name}.{names[0]}")
        assert info["config"]["opt_start_seq"] == last + 1
        await append_bodies(runtime.appender(), stream, "last", subject="ours.x")
        assert decode_bodies(await take_messages(batches, 1)) == ["last"]


def test_a_reader_cannot_choose_by_other_wildcards() -> None:
    assert split_subjects(["a.*.b"]) == (["a.*.b"], ("",))
    assert split_subjects(["a.>", "b.1.>"]) == ([], ("a.", "b.1."))
    for subjects in (["a.*.>", "b.>"], ["a.b", "b.>"]):
        with pytest.raises(ValueError, match="cannot choose"):
            split_subjects(subjects)
