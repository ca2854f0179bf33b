"""Follow: every message after a sequence, once and in order, whatever happens to the connection or the consumer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import pytest
from nats.aio.msg import Msg
from tidings.contracts.streams import Stream
from tidings.runtime.append import Appender, Draft
from tidings.runtime.errors import LogLost
from tidings.runtime.follow import Message, follow, state
from tidings.runtime.jetstream import JetStream, connect
from tidings.runtime.process import Runtime
from tidings.runtime.read import read

from tests.own_stream import OwnStream, create

WAIT_SECONDS = 30
IDLE_SECONDS = 0.2

Trouble = Callable[[JetStream, Runtime, OwnStream], Awaitable[None]]


async def lay_down(
    appender: Appender, stream: OwnStream, *names: str, subject: str = "x"
) -> list[int]:
    """Append messages that say their names."""
    appended = await appender.append_batch(
        [Draft(stream.subject(subject), name.encode()) for name in names]
    )
    return [each.sequence for each in appended]


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


def following(
    jetstream: JetStream, stream: OwnStream, after: int = 0, limit: int = 100, subject: str = ">"
) -> AsyncGenerator[list[Message]]:
    subjects = (stream.subject(subject),)
    return follow(
        jetstream,
        stream.name,
        subjects,
        after=after,
        epoch=stream.epoch,
        limit=limit,
        idle_seconds=IDLE_SECONDS,
    )


async def taken(batches: AsyncGenerator[list[Message]], count: int) -> list[Message]:
    """The next so many messages."""
    found: list[Message] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while len(found) < count:
            found += await anext(batches)
    return found


def said(messages: list[Message]) -> list[str]:
    return [message.data.decode() for message in messages]


def stated(message: Message) -> tuple[str, bytes, int, int]:
    """All of a message but its headers, to which NATS adds where it comes from."""
    return message.subject, message.data, message.sequence, message.time_nanoseconds


async def consumers(runtime: Runtime, stream: OwnStream) -> list[str]:
    return (await runtime.jetstream.call(f"CONSUMER.NAMES.{stream.name}"))["consumers"] or []


async def test_what_was_there_and_what_comes_is_one_sequence(
    runtime: Runtime, stream: OwnStream
) -> None:
    await lay_down(runtime.appender(), stream, *numbers(1, 10))

    async with aclosing(following(runtime.jetstream, stream, after=4)) as batches:
        before = await taken(batches, 6)
        await lay_down(runtime.appender(), stream, *numbers(11, 12))
        live = await taken(batches, 2)

    assert said(before + live) == numbers(5, 12)
    assert [message.sequence for message in before + live] == list(range(5, 13))


async def test_a_message_is_the_same_followed_or_read(runtime: Runtime, stream: OwnStream) -> None:
    await runtime.appender().append(
        Draft(stream.subject("a", "b"), b"body", id="id-1", headers={"Tidings-Position": "1:2.3"})
    )
    await lay_down(runtime.appender(), stream, *numbers(1, 300))

    async with aclosing(following(runtime.jetstream, stream)) as batches:
        followed = await taken(batches, 301)
    page = await read(runtime.jetstream, stream.name, stream.subject(">"), after=0)

    assert [stated(message) for message in followed] == [stated(message) for message in page]
    assert dict(page[0].headers).items() >= dict(followed[0].headers).items()
    assert followed[0].headers.items() >= {("Nats-Msg-Id", "id-1"), ("Tidings-Position", "1:2.3")}
    assert followed[0].subject == stream.subject("a", "b")


async def test_batches_are_within_their_limit_and_only_of_the_subjects_asked_for(
    runtime: Runtime, stream: OwnStream
) -> None:
    await lay_down(runtime.appender(), stream, *numbers(1, 300), subject="mine")
    await lay_down(runtime.appender(), stream, *numbers(1, 300), subject="others")

    sizes: list[int] = []
    found: list[Message] = []
    async with aclosing(following(runtime.jetstream, stream, limit=7, subject="mine")) as batches:
        while len(found) < 300:
            batch = await anext(batches)
            sizes.append(len(batch))
            found += batch

    assert said(found) == numbers(1, 300)
    assert max(sizes) <= 7


async def test_when_nothing_comes_an_empty_batch_says_so(
    runtime: Runtime, stream: OwnStream
) -> None:
    loop = asyncio.get_running_loop()
    async with aclosing(following(runtime.jetstream, stream)) as batches:
        began = loop.time()

        quiet = [await anext(batches) for _ in range(3)]

        assert quiet == [[], [], []]
        assert loop.time() - began > 2.9 * IDLE_SECONDS
        await lay_down(runtime.appender(), stream, "at last")
        assert said(await taken(batches, 1)) == ["at last"]


async def _reconnected(connection: JetStream, runtime: Runtime, stream: OwnStream) -> None:
    del runtime, stream
    await connection._client.force_reconnect()


async def _consumer_deleted(connection: JetStream, runtime: Runtime, stream: OwnStream) -> None:
    del connection
    for name in await consumers(runtime, stream):
        await runtime.jetstream.call(f"CONSUMER.DELETE.{stream.name}.{name}")


@pytest.mark.parametrize("trouble", [_reconnected, _consumer_deleted])
async def test_nothing_is_missed_or_repeated_whatever_is_broken(
    runtime: Runtime, stream: OwnStream, connection: JetStream, trouble: Trouble
) -> None:
    await lay_down(runtime.appender(), stream, *numbers(1, 500))
    found: list[Message] = []

    async with aclosing(following(connection, stream, limit=50)) as batches:
        for first in range(501, 1001, 100):
            found += await taken(batches, 120)
            more = lay_down(runtime.appender(), stream, *numbers(first, first + 99))
            await asyncio.gather(trouble(connection, runtime, stream), more)
        found += await taken(batches, 1000 - len(found))

        await trouble(connection, runtime, stream)
        await lay_down(runtime.appender(), stream, "after a rest")
        found += await taken(batches, 1)

    assert said(found) == [*numbers(1, 1000), "after a rest"]


async def test_a_delivery_that_was_lost_on_the_way_is_noticed_and_fetched(
    runtime: Runtime, stream: OwnStream
) -> None:
    asked: asyncio.Queue[str] = asyncio.Queue()
    async with (
        connect(runtime.settings.nats, "tests-forging") as forger,
        aclosing(following(runtime.jetstream, stream)) as batches,
    ):

        async def overhear(message: Msg) -> None:
            asked.put_nowait(message.reply)

        await forger._client.subscribe(f"$JS.API.CONSUMER.MSG.NEXT.{stream.name}.*", cb=overhear)
        await forger._client.flush()
        await anext(batches)
        await lay_down(runtime.appender(), stream, *numbers(1, 250))
        before = await taken(batches, 250)

        ahead = "forged.1.999.999.1767323045678901234.0"
        await forger.publish(await asked.get(), b"ahead of others that were lost", ahead)
        await lay_down(runtime.appender(), stream, *numbers(251, 300))
        after = await taken(batches, 50)

    assert said(before + after) == numbers(1, 300)


async def test_whoever_stops_following_leaves_no_consumer_behind(
    runtime: Runtime, stream: OwnStream
) -> None:
    async with aclosing(following(runtime.jetstream, stream)) as batches:
        await anext(batches)
        during = await consumers(runtime, stream)

    assert len(during) == 1
    assert await consumers(runtime, stream) == []


async def test_messages_that_were_deleted_are_no_gap(runtime: Runtime, stream: OwnStream) -> None:
    await lay_down(runtime.appender(), stream, *numbers(1, 20))
    for sequence in (3, 4, 20):
        await runtime.jetstream.call(
            f"STREAM.MSG.DELETE.{stream.name}", {"seq": sequence, "no_erase": True}
        )
    await lay_down(runtime.appender(), stream, "21")

    async with aclosing(following(runtime.jetstream, stream, after=2, limit=5)) as batches:
        found = await taken(batches, 16)

    assert said(found) == [*numbers(5, 19), "21"]


async def test_a_stream_that_ends_before_what_was_read_has_lost_its_tail(
    runtime: Runtime, stream: OwnStream
) -> None:
    await lay_down(runtime.appender(), stream, *numbers(1, 3))

    with pytest.raises(
        LogLost, match=f"{stream.name} ends at 3, but 4 was read before: it lost its tail"
    ):
        await anext(following(runtime.jetstream, stream, after=4))

    assert (await state(runtime.jetstream, stream.name)).last == 3


async def test_another_incarnation_of_the_stream_is_not_followed(
    runtime: Runtime, stream: OwnStream
) -> None:
    stranger = stream._replace(epoch="00000000")

    with pytest.raises(LogLost, match="is another stream"):
        await anext(following(runtime.jetstream, stranger))

    assert (await state(runtime.jetstream, stream.name)).epoch == stream.epoch


async def test_a_stream_made_anew_under_a_follower_is_noticed(
    runtime: Runtime, stream: OwnStream
) -> None:
    await lay_down(runtime.appender(), stream, *numbers(1, 5))
    async with aclosing(following(runtime.jetstream, stream)) as batches:
        await taken(batches, 5)
        await runtime.jetstream.call(f"STREAM.DELETE.{stream.name}")
        await create(runtime.jetstream, Stream(stream.name, (stream.subject(">"),)))
        await lay_down(runtime.appender(), stream, *numbers(1, 7))

        with pytest.raises(LogLost, match="is another stream"):
            await taken(batches, 1)
