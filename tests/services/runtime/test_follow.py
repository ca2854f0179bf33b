"""Follow: every message after a sequence, once and in order, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from nats.aio.msg import Msg
from tidings.client.jetstream import JetStream, connect
from tidings.contracts.messages import NewMessage
from tidings.contracts.streams import Stream
from tidings.runtime.errors import LogLost, Unavailable
from tidings.runtime.log import consumer as consumer_module
from tidings.runtime.log.follow import Pulls, StreamMessage, follow
from tidings.runtime.log.read import read
from tidings.runtime.log.state import stream_state
from tidings.runtime.metrics.follower_lag import FollowPosition
from tidings.runtime.process import Runtime

from tests.own_stream import OwnStream, append_bodies, create_stream, decode_bodies
from tests.waiting import wait_until

WAIT_SECONDS = 30
IDLE_SECONDS = 0.2

Failure = Callable[[JetStream, Runtime, OwnStream], Awaitable[None]]


def number_names(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


def follow_stream(
    jetstream: JetStream,
    stream: OwnStream,
    after: int = 0,
    limit: int = 100,
    subject: str = ">",
    position: FollowPosition | None = None,
    pulls: Pulls = Pulls.OVERLAPPING,
    more_subjects: tuple[str, ...] = (),
) -> AsyncGenerator[list[StreamMessage]]:
    return follow(
        jetstream,
        stream.name,
        [stream.subject(each) for each in (subject, *more_subjects)],
        after=after,
        epoch=stream.epoch,
        limit=limit,
        idle_seconds=IDLE_SECONDS,
        position=position,
        pulls=pulls,
    )


async def take_messages(
    batches: AsyncGenerator[list[StreamMessage]], count: int
) -> list[StreamMessage]:
    """Return the next `count` messages."""
    messages: list[StreamMessage] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while len(messages) < count:
            messages += await anext(batches)
    return messages


def describe_message(message: StreamMessage) -> tuple[str, bytes, int, int]:
    """Return a message without its headers: NATS adds its origin to them."""
    return message.subject, message.data, message.sequence, message.time_nanoseconds


async def list_consumers(runtime: Runtime, stream: OwnStream) -> list[str]:
    return (await runtime.jetstream.call_api(f"CONSUMER.NAMES.{stream.name}"))["consumers"] or []


async def test_stored_and_new_messages_form_one_sequence(
    runtime: Runtime, stream: OwnStream
) -> None:
    await append_bodies(runtime.appender(), stream, *number_names(1, 10))

    async with aclosing(follow_stream(runtime.jetstream, stream, after=4)) as batches:
        before = await take_messages(batches, 6)
        await append_bodies(runtime.appender(), stream, *number_names(11, 12))
        live = await take_messages(batches, 2)

    assert decode_bodies(before + live) == number_names(5, 12)
    assert [message.sequence for message in before + live] == list(range(5, 13))


async def test_a_message_is_the_same_followed_or_read(runtime: Runtime, stream: OwnStream) -> None:
    await runtime.appender().append(
        NewMessage(
            stream.subject("a", "b"), b"body", id="id-1", headers={"Tidings-Position": "1:2.3"}
        )
    )
    await append_bodies(runtime.appender(), stream, *number_names(1, 300))

    async with aclosing(follow_stream(runtime.jetstream, stream)) as batches:
        messages = await take_messages(batches, 301)
    page = await read(runtime.jetstream, stream.name, stream.subject(">"), after=0)

    assert [describe_message(message) for message in messages] == [
        describe_message(message) for message in page
    ]
    assert dict(page[0].headers).items() >= dict(messages[0].headers).items()
    assert messages[0].headers.items() >= {("Nats-Msg-Id", "id-1"), ("Tidings-Position", "1:2.3")}
    assert messages[0].subject == stream.subject("a", "b")


@pytest.mark.parametrize("pulls", Pulls)
async def test_batches_respect_their_limit_and_subjects(
    runtime: Runtime, stream: OwnStream, pulls: Pulls
) -> None:
    await append_bodies(runtime.appender(), stream, *number_names(1, 300), subject="mine")
    await append_bodies(runtime.appender(), stream, *number_names(1, 300), subject="others")

    sizes: list[int] = []
    messages: list[StreamMessage] = []
    async with aclosing(
        follow_stream(runtime.jetstream, stream, limit=7, subject="mine", pulls=pulls)
    ) as batches:
        while len(messages) < 300:
            batch = await anext(batches)
            sizes.append(len(batch))
            messages += batch

    assert decode_bodies(messages) == number_names(1, 300)
    assert max(sizes) <= 7


async def test_an_empty_batch_is_yielded_when_no_message_arrives(
    runtime: Runtime, stream: OwnStream
) -> None:
    loop = asyncio.get_running_loop()
    async with aclosing(follow_stream(runtime.jetstream, stream)) as batches:
        began = loop.time()

        quiet = [await anext(batches) for _ in range(3)]

        assert quiet == [[], [], []]
        assert loop.time() - began > 2.9 * IDLE_SECONDS
        await append_bodies(runtime.appender(), stream, "at last")
        assert decode_bodies(await take_messages(batches, 1)) == ["at last"]


async def _break_connection(connection: JetStream, runtime: Runtime, stream: OwnStream) -> None:
    del runtime, stream
    await connection._client.force_reconnect()


async def _delete_consumers(connection: JetStream, runtime: Runtime, stream: OwnStream) -> None:
    del connection
    for name in await list_consumers(runtime, stream):
        await runtime.jetstream.call_api(f"CONSUMER.DELETE.{stream.name}.{name}")


@pytest.mark.parametrize("pulls", Pulls)
@pytest.mark.parametrize("failure", [_break_connection, _delete_consumers])
async def test_nothing_is_missed_or_repeated_after_a_failure(
    runtime: Runtime, stream: OwnStream, connection: JetStream, failure: Failure, pulls: Pulls
) -> None:
    await append_bodies(runtime.appender(), stream, *number_names(1, 500))
    messages: list[StreamMessage] = []

    batches = follow_stream(connection, stream, limit=50, pulls=pulls)
    async with aclosing(batches):
        for first in range(501, 1001, 100):
            messages += await take_messages(batches, 120)
            appending = append_bodies(runtime.appender(), stream, *number_names(first, first + 99))
            await asyncio.gather(failure(connection, runtime, stream), appending)
        messages += await take_messages(batches, 1000 - len(messages))

        await failure(connection, runtime, stream)
        await append_bodies(runtime.appender(), stream, "after a rest")
        messages += await take_messages(batches, 1)

    assert decode_bodies(messages) == [*number_names(1, 1000), "after a rest"]


async def test_a_lost_delivery_is_noticed_and_fetched(runtime: Runtime, stream: OwnStream) -> None:
    reply_subjects: asyncio.Queue[str] = asyncio.Queue()
    async with (
        connect(runtime.settings.nats, "tests-forging") as forger,
        aclosing(follow_stream(runtime.jetstream, stream)) as batches,
    ):

        async def record_request(message: Msg) -> None:
            reply_subjects.put_nowait(message.reply)

        await forger._client.subscribe(
            f"$JS.API.CONSUMER.MSG.NEXT.{stream.name}.*", cb=record_request
        )
        await forger._client.flush()
        await anext(batches)
        await append_bodies(runtime.appender(), stream, *number_names(1, 250))
        before = await take_messages(batches, 250)

        # A delivery with a consumer sequence that is too high looks as if others were lost.
        ahead = "forged.1.999.999.1767323045678901234.0"
        await forger.publish(await reply_subjects.get(), b"ahead of others that were lost", ahead)
        await append_bodies(runtime.appender(), stream, *number_names(251, 300))
        after = await take_messages(batches, 50)

    assert decode_bodies(before + after) == number_names(1, 300)


@pytest.mark.parametrize("pulls", Pulls)
async def test_a_consumer_that_falls_silent_is_replaced(
    runtime: Runtime, stream: OwnStream, monkeypatch: pytest.MonkeyPatch, pulls: Pulls
) -> None:
    """A limit below the interval of heartbeats: the consumer's server seems to be dead."""
    monkeypatch.setattr(consumer_module, "SILENCE_LIMIT_SECONDS", 2 * IDLE_SECONDS)
    async with (
        asyncio.timeout(WAIT_SECONDS),
        aclosing(follow_stream(runtime.jetstream, stream, pulls=pulls)) as batches,
    ):
        await append_bodies(runtime.appender(), stream, "before")
        messages = await take_messages(batches, 1)
        (silent,) = await list_consumers(runtime, stream)
        while silent in await list_consumers(runtime, stream):
            messages += await anext(batches)
        await append_bodies(runtime.appender(), stream, "after")
        messages += await take_messages(batches, 1)

    assert decode_bodies(messages) == ["before", "after"]


async def test_a_slow_server_is_given_more_time_to_create_a_consumer(
    runtime: Runtime, stream: OwnStream, connection: JetStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts: list[float] = []
    call_api = connection.call_api

    async def fail_to_create(api: str, *arguments: Any, timeout: float = 5.0) -> dict[str, Any]:
        if api.startswith("CONSUMER.CREATE"):
            timeouts.append(timeout)
            if len(timeouts) in (1, 2, 3, 4, 6):
                raise Unavailable("no answer")
        return await call_api(api, *arguments, timeout=timeout)

    monkeypatch.setattr(connection, "call_api", fail_to_create)
    async with (
        asyncio.timeout(WAIT_SECONDS),
        aclosing(follow_stream(connection, stream)) as batches,
    ):
        await append_bodies(runtime.appender(), stream, "before")
        await take_messages(batches, 1)
        await _delete_consumers(connection, runtime, stream)
        await append_bodies(runtime.appender(), stream, "after")
        await take_messages(batches, 1)

    assert timeouts == [2, 4, 10, 10, 10, 2, 4]


async def test_a_follower_that_stops_leaves_no_consumer(
    runtime: Runtime, stream: OwnStream
) -> None:
    async with aclosing(follow_stream(runtime.jetstream, stream)) as batches:
        await anext(batches)
        during = await list_consumers(runtime, stream)

    assert len(during) == 1
    await wait_until(lambda: has_no_consumers(runtime, stream), seconds=5)


async def has_no_consumers(runtime: Runtime, stream: OwnStream) -> bool:
    """Return whether all consumers are deleted: long before they expire."""
    return await list_consumers(runtime, stream) == []


async def test_deleted_messages_are_not_a_gap(runtime: Runtime, stream: OwnStream) -> None:
    await append_bodies(runtime.appender(), stream, *number_names(1, 20))
    for sequence in (3, 4, 20):
        await runtime.jetstream.call_api(
            f"STREAM.MSG.DELETE.{stream.name}", {"seq": sequence, "no_erase": True}
        )
    await append_bodies(runtime.appender(), stream, "21")

    async with aclosing(follow_stream(runtime.jetstream, stream, after=2, limit=5)) as batches:
        messages = await take_messages(batches, 16)

    assert decode_bodies(messages) == [*number_names(5, 19), "21"]


async def test_a_stream_that_ends_before_the_last_read_sequence_has_lost_its_tail(
    runtime: Runtime, stream: OwnStream
) -> None:
    await append_bodies(runtime.appender(), stream, *number_names(1, 3))

    with pytest.raises(
        LogLost, match=f"{stream.name} ends at 3, but 4 was read before: it lost its tail"
    ):
        await anext(follow_stream(runtime.jetstream, stream, after=4))

    assert (await stream_state(runtime.jetstream, stream.name)).last_sequence == 3


async def test_another_incarnation_of_the_stream_is_not_followed(
    runtime: Runtime, stream: OwnStream
) -> None:
    stranger = stream._replace(epoch="00000000")

    with pytest.raises(LogLost, match="is another stream"):
        await anext(follow_stream(runtime.jetstream, stranger))

    assert (await stream_state(runtime.jetstream, stream.name)).epoch == stream.epoch


async def test_a_stream_that_is_recreated_under_a_follower_is_noticed(
    runtime: Runtime, stream: OwnStream
) -> None:
    await append_bodies(runtime.appender(), stream, *number_names(1, 5))
    async with aclosing(follow_stream(runtime.jetstream, stream)) as batches:
        await take_messages(batches, 5)
        await runtime.jetstream.call_api(f"STREAM.DELETE.{stream.name}")
        await create_stream(runtime.jetstream, Stream(stream.name, (stream.subject(">"),)))
        await append_bodies(runtime.appender(), stream, *number_names(1, 7))

        with pytest.raises(LogLost, match="is another stream"):
            await take_messages(batches, 1)


async def test_a_position_shows_what_is_not_handled_and_how_old_it_is(
    runtime: Runtime, stream: OwnStream
) -> None:
    appender, position = runtime.appender(), FollowPosition()
    await append_bodies(appender, stream, *number_names(1, 250))
    batches = follow_stream(runtime.jetstream, stream, limit=100, position=position)
    async with aclosing(batches):
        first = await anext(batches)
        assert position.message_count == 250
        assert position.oldest_nanoseconds == first[0].time_nanoseconds

        await take_messages(batches, 250 - len(first))
        assert position.message_count <= 100
        assert await anext(batches) == []
        assert (position.message_count, position.oldest_nanoseconds) == (0, 0)

        await append_bodies(appender, stream, "251")
        (last,) = await take_messages(batches, 1)
    # The follow ended before its last batch was handled.
    assert position.message_count == 1
    assert position.oldest_nanoseconds == last.time_nanoseconds
