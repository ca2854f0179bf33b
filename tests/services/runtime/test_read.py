"""Read: one page of a stream, or the newest message of a subject, without a consumer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tidings.client.jetstream import PAGES_IN_FLIGHT_LIMIT, JetStream
from tidings.contracts.messages import NewMessage
from tidings.runtime.errors import RequestRefused, Unavailable
from tidings.runtime.log import read as read_module
from tidings.runtime.log.read import (
    PAGE_BYTES,
    PAGE_MESSAGES,
    first_sequence_since,
    last_message,
    next_message,
    read,
    stream_subjects,
)
from tidings.runtime.process import Runtime

from tests.own_stream import OwnStream, append_bodies, decode_bodies

BIG_BYTES = 200_000


async def read_pages(
    runtime: Runtime, stream: OwnStream, subject: str, after: int = 0, limit: int = PAGE_MESSAGES
) -> list[list[str]]:
    """Return the bodies of all pages up to the empty one."""
    pages: list[list[str]] = []
    while page := await read(
        runtime.jetstream, stream.name, stream.subject(subject), after=after, limit=limit
    ):
        pages.append(decode_bodies(page))
        after = page[-1].sequence
    return pages


async def test_pages_continue_to_the_end_of_the_stream(runtime: Runtime, stream: OwnStream) -> None:
    bodies = [str(number) for number in range(1, 26)]
    await append_bodies(runtime.appender(), stream, *bodies, subject="x")

    pages = await read_pages(runtime, stream, "x", limit=10)

    assert pages == [bodies[:10], bodies[10:20], bodies[20:]]


async def test_a_page_begins_after_a_sequence_and_has_only_its_subject(
    runtime: Runtime, stream: OwnStream
) -> None:
    for number in range(1, 11):
        await append_bodies(
            runtime.appender(), stream, str(number), subject="x" if number % 2 else "y"
        )

    assert await read_pages(runtime, stream, "x", after=4) == [["5", "7", "9"]]
    assert await read_pages(runtime, stream, "*", after=4) == [
        [str(number) for number in range(5, 11)]
    ]
    assert (
        await read_pages(runtime, stream, "x", after=9)
        == await read_pages(runtime, stream, "x", after=99)
        == []
    )
    assert await read_pages(runtime, stream, "z") == []


async def test_big_messages_come_in_short_pages_without_loss(
    runtime: Runtime, stream: OwnStream
) -> None:
    bodies = [str(number) * BIG_BYTES for number in range(10)] * 4
    for first in range(0, len(bodies), 4):
        await append_bodies(runtime.appender(), stream, *bodies[first : first + 4], subject="x")

    pages = await read_pages(runtime, stream, "x")

    assert [body for page in pages for body in page] == bodies
    assert len(pages) > 1
    assert all(sum(map(len, page)) <= PAGE_BYTES + BIG_BYTES for page in pages)


async def test_the_newest_message_of_a_subject_is_complete(
    runtime: Runtime, stream: OwnStream
) -> None:
    await append_bodies(runtime.appender(), stream, "older", subject="x")
    await runtime.appender().append(
        NewMessage(stream.subject("x"), b"newest", headers={"Tidings-Position": "1:2.3"})
    )
    await append_bodies(runtime.appender(), stream, "another's", subject="y")

    newest = await last_message(runtime.jetstream, stream.name, stream.subject("x"))

    assert newest
    assert newest == (await read(runtime.jetstream, stream.name, stream.subject("x"), after=1))[
        0
    ]._replace(raw_headers=newest.raw_headers)
    assert (newest.data, newest.sequence, newest.headers["Tidings-Position"]) == (
        b"newest",
        2,
        "1:2.3",
    )


async def test_an_empty_message_can_be_the_newest(runtime: Runtime, stream: OwnStream) -> None:
    await runtime.appender().append(NewMessage(stream.subject("x"), b""))

    newest = await last_message(runtime.jetstream, stream.name, stream.subject("x"))

    assert newest and newest.data == b""


async def test_the_newest_of_many_subjects_is_the_newest_of_all(
    runtime: Runtime, stream: OwnStream
) -> None:
    for subject in ("a", "b", "a"):
        await append_bodies(runtime.appender(), stream, f"of {subject}", subject=subject)

    newest = await last_message(runtime.jetstream, stream.name, stream.subject(">"))

    assert newest and newest.sequence == 3


async def test_a_subject_without_messages_has_no_newest_one(
    runtime: Runtime, stream: OwnStream
) -> None:
    await append_bodies(runtime.appender(), stream, "here", subject="x")

    assert await last_message(runtime.jetstream, stream.name, stream.subject("y")) is None


async def test_a_missing_stream_is_an_error(runtime: Runtime) -> None:
    with pytest.raises(Unavailable):
        await read(runtime.jetstream, "T_nowhere", "x", after=0)
    with pytest.raises(RequestRefused, match="stream not found"):
        await last_message(runtime.jetstream, "T_nowhere", "x")


async def test_the_first_message_since_a_time_is_found_by_subject(
    runtime: Runtime, stream: OwnStream
) -> None:
    await append_bodies(runtime.appender(), stream, "1", subject="x")
    await append_bodies(runtime.appender(), stream, "2", subject="y")
    await append_bodies(runtime.appender(), stream, "3", subject="x")
    (_, third) = await read(runtime.jetstream, stream.name, stream.subject("x"), after=0)
    stored_at = datetime.fromtimestamp(third.time_nanoseconds // 1000 / 1e6, UTC)

    async def find_since(moment: datetime, subject: str = "x") -> int | None:
        return await first_sequence_since(
            runtime.jetstream, stream.name, stream.subject(subject), moment
        )

    assert await find_since(stored_at - timedelta(days=400)) == 1
    assert await find_since(stored_at) == 3
    assert await find_since(stored_at + timedelta(seconds=1)) is None
    assert await find_since(stored_at - timedelta(days=400), "z") is None


async def test_the_subjects_of_a_leader_that_does_not_know_a_message_yet_are_refused(
    runtime: Runtime, stream: OwnStream
) -> None:
    await append_bodies(runtime.appender(), stream, "1", subject="x")
    await append_bodies(runtime.appender(), stream, "2", subject="y")
    wildcard = stream.subject(">")

    subjects = await stream_subjects(runtime.jetstream, stream.name, wildcard, at_least=2)

    assert subjects == [stream.subject("x"), stream.subject("y")]
    with pytest.raises(Unavailable, match="ends before the acknowledged sequence 3"):
        await stream_subjects(runtime.jetstream, stream.name, wildcard, at_least=3)


async def test_pages_that_never_come_stop_neither_readers_for_ever_nor_the_leader(
    runtime: Runtime, stream: OwnStream, connection: JetStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append_bodies(runtime.appender(), stream, "1", subject="x")
    for _ in range(PAGES_IN_FLIGHT_LIMIT):
        await connection.page_slots.acquire()

    with monkeypatch.context() as patched:
        patched.setattr(read_module, "READ_SECONDS", 0.2)
        with pytest.raises(Unavailable, match="was not read within"):
            async with asyncio.timeout(5):
                await read(connection, stream.name, stream.subject("x"), after=0)

    message = await next_message(connection, stream.name, stream.subject("x"), after=0)
    assert message and message.data == b"1"
