"""Read: a stream page by page, and the newest message of a subject, without a consumer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tidings.runtime.append import Draft
from tidings.runtime.errors import Refused, Unavailable
from tidings.runtime.follow import Message
from tidings.runtime.process import Runtime
from tidings.runtime.read import PAGE_BYTES, PAGE_MESSAGES, first_since, last, read

from tests.own_stream import OwnStream

BIG_BYTES = 200_000


async def lay_down(runtime: Runtime, stream: OwnStream, subject: str, *bodies: str) -> None:
    await runtime.appender().append_batch(
        [Draft(stream.subject(subject), body.encode()) for body in bodies]
    )


async def pages(
    runtime: Runtime, stream: OwnStream, subject: str, after: int = 0, limit: int = PAGE_MESSAGES
) -> list[list[str]]:
    """What all pages say, up to the empty one."""
    found: list[list[str]] = []
    while page := await read(
        runtime.jetstream, stream.name, stream.subject(subject), after=after, limit=limit
    ):
        found.append(said(page))
        after = page[-1].sequence
    return found


def said(messages: list[Message]) -> list[str]:
    return [message.data.decode() for message in messages]


async def test_pages_follow_each_other_up_to_the_end(runtime: Runtime, stream: OwnStream) -> None:
    bodies = [str(number) for number in range(1, 26)]
    await lay_down(runtime, stream, "x", *bodies)

    found = await pages(runtime, stream, "x", limit=10)

    assert found == [bodies[:10], bodies[10:20], bodies[20:]]


async def test_a_page_begins_after_a_sequence_and_has_one_subject_only(
    runtime: Runtime, stream: OwnStream
) -> None:
    for number in range(1, 11):
        await lay_down(runtime, stream, "x" if number % 2 else "y", str(number))

    assert await pages(runtime, stream, "x", after=4) == [["5", "7", "9"]]
    assert await pages(runtime, stream, "*", after=4) == [[str(number) for number in range(5, 11)]]
    assert (
        await pages(runtime, stream, "x", after=9)
        == await pages(runtime, stream, "x", after=99)
        == []
    )
    assert await pages(runtime, stream, "z") == []


async def test_big_messages_come_in_short_pages_and_none_is_left_out(
    runtime: Runtime, stream: OwnStream
) -> None:
    bodies = [str(number) * BIG_BYTES for number in range(10)] * 4
    for first in range(0, len(bodies), 4):
        await lay_down(runtime, stream, "x", *bodies[first : first + 4])

    found = await pages(runtime, stream, "x")

    assert [body for page in found for body in page] == bodies
    assert len(found) > 1
    assert all(sum(map(len, page)) <= PAGE_BYTES + BIG_BYTES for page in found)


async def test_the_newest_message_of_a_subject_is_found_whole(
    runtime: Runtime, stream: OwnStream
) -> None:
    await lay_down(runtime, stream, "x", "older")
    await runtime.appender().append(
        Draft(stream.subject("x"), b"newest", headers={"Tidings-Position": "1:2.3"})
    )
    await lay_down(runtime, stream, "y", "another's")

    newest = await last(runtime.jetstream, stream.name, stream.subject("x"))

    assert newest
    assert newest == (await read(runtime.jetstream, stream.name, stream.subject("x"), after=1))[
        0
    ]._replace(head=newest.head)
    assert (newest.data, newest.sequence, newest.headers["Tidings-Position"]) == (
        b"newest",
        2,
        "1:2.3",
    )


async def test_an_empty_message_can_be_the_newest(runtime: Runtime, stream: OwnStream) -> None:
    await runtime.appender().append(Draft(stream.subject("x"), b""))

    newest = await last(runtime.jetstream, stream.name, stream.subject("x"))

    assert newest and newest.data == b""


async def test_the_newest_of_many_subjects_is_the_newest_of_all(
    runtime: Runtime, stream: OwnStream
) -> None:
    for subject in ("a", "b", "a"):
        await lay_down(runtime, stream, subject, f"of {subject}")

    newest = await last(runtime.jetstream, stream.name, stream.subject(">"))

    assert newest and newest.sequence == 3


async def test_a_subject_without_messages_has_no_newest_one(
    runtime: Runtime, stream: OwnStream
) -> None:
    await lay_down(runtime, stream, "x", "here")

    assert await last(runtime.jetstream, stream.name, stream.subject("y")) is None


async def test_a_stream_that_is_not_there_is_no_empty_stream(runtime: Runtime) -> None:
    with pytest.raises(Unavailable):
        await read(runtime.jetstream, "T_nowhere", "x", after=0)
    with pytest.raises(Refused, match="stream not found"):
        await last(runtime.jetstream, "T_nowhere", "x")


async def test_the_first_message_since_a_moment_is_found_among_those_of_its_subject(
    runtime: Runtime, stream: OwnStream
) -> None:
    await lay_down(runtime, stream, "x", "1")
    await lay_down(runtime, stream, "y", "2")
    await lay_down(runtime, stream, "x", "3")
    (_, third) = await read(runtime.jetstream, stream.name, stream.subject("x"), after=0)
    written = datetime.fromtimestamp(third.time_nanoseconds // 1000 / 1e6, UTC)

    async def since(moment: datetime, subject: str = "x") -> int | None:
        return await first_since(runtime.jetstream, stream.name, stream.subject(subject), moment)

    assert await since(written - timedelta(days=400)) == 1
    assert await since(written) == 3
    assert await since(written + timedelta(seconds=1)) is None
    assert await since(written - timedelta(days=400), "z") is None
