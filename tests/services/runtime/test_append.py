"""Append: what is acknowledged is stored, once, where the acknowledgement says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tidings.client import append
from tidings.runtime.append import Appended, Appender, Draft, Expected, commit
from tidings.runtime.errors import Refused, Unavailable, WrongSequence
from tidings.runtime.follow import Message, state
from tidings.runtime.jetstream import JetStream
from tidings.runtime.process import Runtime
from tidings.runtime.read import read

from tests.own_stream import OwnStream

BAD_HEADER = {"Nats-TTL": "soon"}


def drafts(stream: OwnStream, *names: str) -> list[Draft]:
    """Messages that say and are named by their names."""
    return [Draft(stream.subject("x"), name.encode(), id=name) for name in names]


def numbered(stream: OwnStream, count: int, of: str = "") -> list[Draft]:
    return drafts(stream, *(f"{of}{number}" for number in range(count)))


async def everything(runtime: Runtime, stream: OwnStream) -> list[Message]:
    """All that the stream has."""
    found: list[Message] = []
    while page := await read(
        runtime.jetstream,
        stream.name,
        stream.subject(">"),
        after=found[-1].sequence if found else 0,
    ):
        found += page
    return found


async def stored(runtime: Runtime, stream: OwnStream) -> dict[int, str]:
    """What stands at which sequence."""
    return {
        message.sequence: message.data.decode() for message in await everything(runtime, stream)
    }


def acknowledged(batch: Sequence[Draft], placed: Sequence[Appended]) -> dict[int, str]:
    """What the acknowledgements say stands at which sequence."""
    return {
        appended.sequence: draft.data.decode()
        for draft, appended in zip(batch, placed, strict=True)
    }


async def test_a_crowd_is_all_acknowledged_each_where_it_stands(
    runtime: Runtime, stream: OwnStream
) -> None:
    appender = runtime.appender()
    crowd = numbered(stream, 500)

    placed = await asyncio.gather(*map(appender.append, crowd))

    assert acknowledged(crowd, placed) == await stored(runtime, stream)
    assert {appended.sequence for appended in placed} == set(range(1, 501))
    assert not any(appended.duplicate for appended in placed)


async def test_a_crowd_that_comes_again_stands_where_it_stood(
    runtime: Runtime, stream: OwnStream
) -> None:
    crowd = numbered(stream, 300)
    before = await asyncio.gather(*map(runtime.appender().append, crowd))

    again = await asyncio.gather(*map(runtime.appender().append, crowd))

    assert again == [Appended(appended.sequence, True) for appended in before]
    assert len(await stored(runtime, stream)) == 300


async def test_the_duplicates_in_a_batch_are_named_and_the_rest_is_stored(
    runtime: Runtime, stream: OwnStream
) -> None:
    appender = runtime.appender()
    known = [await appender.append(draft) for draft in drafts(stream, "b", "d")]

    placed = await appender.append_batch(drafts(stream, "a", "b", "c", "d", "e"))

    assert placed == [
        Appended(3),
        Appended(known[0].sequence, True),
        Appended(4),
        Appended(known[1].sequence, True),
        Appended(5),
    ]
    assert await stored(runtime, stream) == {1: "b", 2: "d", 3: "a", 4: "c", 5: "e"}


async def test_a_batch_half_of_which_is_known_is_stored_by_the_other_half(
    runtime: Runtime, stream: OwnStream
) -> None:
    batch = numbered(stream, 1000)
    await runtime.appender().append_batch(batch[::2])

    placed = await runtime.appender().append_batch(batch)

    assert acknowledged(batch, placed) == await stored(runtime, stream)
    assert [appended.duplicate for appended in placed] == [True, False] * 500


async def test_an_id_twice_in_one_batch_is_stored_once(runtime: Runtime, stream: OwnStream) -> None:
    same = drafts(stream, "a")[0]
    batch = [same, *drafts(stream, "b", "a"), same]

    placed = await runtime.appender().append_batch(batch)

    assert placed == [Appended(1), Appended(2), Appended(1, True), Appended(1, True)]
    assert await stored(runtime, stream) == {1: "a", 2: "b"}


async def test_one_message_without_an_id_twice_in_one_batch_is_two_messages(
    runtime: Runtime, stream: OwnStream
) -> None:
    nameless = Draft(stream.subject("x"), b"again")

    placed = await runtime.appender().append_batch([nameless, *drafts(stream, "a"), nameless])

    assert placed == [Appended(1), Appended(2), Appended(3)]
    assert await stored(runtime, stream) == {1: "again", 2: "a", 3: "again"}


@pytest.mark.parametrize("count", [1, 2, 1000])
async def test_a_batch_whose_acknowledgement_was_lost_stands_where_it_stood(
    runtime: Runtime, stream: OwnStream, count: int
) -> None:
    batch = numbered(stream, count)
    before = await runtime.appender().append_batch(batch)

    again = await runtime.appender().append_batch(batch)

    assert again == [Appended(appended.sequence, True) for appended in before]
    assert acknowledged(batch, again) == await stored(runtime, stream)


async def test_nothing_is_lost_or_stored_twice_when_the_connection_breaks_again_and_again(
    runtime: Runtime, stream: OwnStream, connection: JetStream
) -> None:
    appender = Appender(connection)
    batches = [numbered(stream, 300, f"batch {number} ") for number in range(12)]
    crowd = numbered(stream, 1000, "lone ")

    async with asyncio.TaskGroup() as group:
        sent = [group.create_task(appender.append_batch(batch)) for batch in batches]
        lone = [group.create_task(appender.append(draft)) for draft in crowd]
        for task in (sent[1], sent[4], sent[8]):
            await connection._client.force_reconnect()
            await asyncio.wait([task])

    expected = acknowledged(crowd, [task.result() for task in lone])
    for batch, task in zip(batches, sent, strict=True):
        expected |= acknowledged(batch, task.result())
    assert len(expected) == 12 * 300 + 1000
    assert await stored(runtime, stream) == expected


async def test_asking_what_is_stored_stores_nothing(runtime: Runtime, stream: OwnStream) -> None:
    appender = runtime.appender()
    await appender.append_batch(drafts(stream, "a", "b"))

    known = await appender.stored(drafts(stream, "b", "c"))

    assert known == {"b": Appended(2, True)}
    assert await stored(runtime, stream) == {1: "a", 2: "b"}


async def test_an_expectation_holds_or_nothing_is_stored(
    runtime: Runtime, stream: OwnStream
) -> None:
    appender = runtime.appender()
    first, second, third = drafts(stream, "a", "b", "c")
    subject, elsewhere = stream.subject("x"), stream.subject("y")

    assert await appender.append_expecting(first, Expected(subject, 0)) == 1
    with pytest.raises(WrongSequence):
        await appender.append_expecting(second, Expected(subject, 0))
    with pytest.raises(WrongSequence):
        await appender.append_expecting(second._replace(subject=elsewhere), Expected(subject, 2))
    assert (
        await appender.append_expecting(third._replace(subject=elsewhere), Expected(subject, 1))
        == 2
    )

    assert await stored(runtime, stream) == {1: "a", 2: "c"}


async def test_a_batch_expects_of_its_last_message(runtime: Runtime, stream: OwnStream) -> None:
    await runtime.appender().append(Draft(stream.subject("position"), b"1"))
    batch = [*drafts(stream, "a", "b"), Draft(stream.subject("position"), b"2")]

    with pytest.raises(WrongSequence):
        await commit(runtime.jetstream, batch, Expected(stream.subject("position"), 7))
    last = await commit(runtime.jetstream, batch, Expected(stream.subject("position"), 1))

    assert last == 4
    assert await stored(runtime, stream) == {1: "1", 2: "a", 3: "b", 4: "2"}


async def test_more_than_a_batch_holds_is_refused_before_anything_is_sent(
    runtime: Runtime, stream: OwnStream
) -> None:
    with pytest.raises(Refused, match="1001 messages in one atomic batch; at most 1000"):
        await runtime.appender().append_batch(numbered(stream, 1001))

    assert await runtime.appender().append_batch([]) == []
    assert (await state(runtime.jetstream, stream.name)).last == 0


async def test_a_batch_with_one_bad_message_is_refused_as_a_whole(
    runtime: Runtime, stream: OwnStream
) -> None:
    batch = [
        *numbered(stream, 20),
        Draft(stream.subject("x"), b"bad", headers=BAD_HEADER),
        *numbered(stream, 20, "more "),
    ]

    with pytest.raises(Refused):
        await runtime.appender().append_batch(batch)

    assert await stored(runtime, stream) == {}


@pytest.mark.parametrize("count", [12, 500])
async def test_a_bad_message_in_a_crowd_is_refused_by_itself(
    runtime: Runtime, stream: OwnStream, count: int
) -> None:
    appender = runtime.appender()
    crowd = numbered(stream, count)
    bad = Draft(stream.subject("x"), b"bad", headers=BAD_HEADER)

    *placed, refused = await asyncio.gather(
        *map(appender.append, [*crowd, bad]), return_exceptions=True
    )

    assert isinstance(refused, Refused)
    assert acknowledged(crowd, placed) == await stored(runtime, stream)  # type: ignore[arg-type]


async def test_a_message_that_need_not_be_waited_for_does_not_hold_up_the_others(
    runtime: Runtime, stream: OwnStream
) -> None:
    appender = runtime.appender()
    crowd = [asyncio.create_task(appender.append(draft)) for draft in numbered(stream, 200)]

    await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
    for task in crowd[::3]:
        task.cancel()

    outcomes = await asyncio.gather(*crowd, return_exceptions=True)
    for index, outcome in enumerate(outcomes):
        assert isinstance(outcome, Appended) or (
            index % 3 == 0 and isinstance(outcome, asyncio.CancelledError)
        )


async def test_whoever_comes_when_too_many_wait_is_told_so_at_once(
    runtime: Runtime, stream: OwnStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(append, "WAITING_LIMIT_MESSAGES", 100)
    appender = runtime.appender()
    crowd = numbered(stream, 150)

    outcomes = await asyncio.gather(*map(appender.append, crowd), return_exceptions=True)

    taken = {
        draft.data.decode()
        for draft, outcome in zip(crowd, outcomes, strict=True)
        if isinstance(outcome, Appended)
    }
    assert {type(outcome) for outcome in outcomes} == {Appended, Unavailable}
    assert len(taken) >= 100
    assert set((await stored(runtime, stream)).values()) == taken
